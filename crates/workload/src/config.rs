//! What a user may say about names.

use model::Text;
use wildmatch::WildMatch;

use crate::{Facts, cgroup};

/// Names given by hand.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Asked in order; the first that matches names the process.
    pub services: Vec<Matcher>,
}

/// Which processes get a name. Every pattern that is given has to match; without any, none does.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    /// The service's name.
    pub name: Text,
    /// Matches the command.
    pub command: Option<Glob>,
    /// Matches the executable's whole path.
    pub executable: Option<Glob>,
    /// Matches any of the cgroup paths.
    pub cgroup: Option<Glob>,
    /// Matches any of the arguments that are kept ([`Facts::arguments`]).
    pub argument: Option<Glob>,
    /// Matches the systemd unit, without `.service`.
    pub unit: Option<Glob>,
}

impl Matcher {
    /// True when the process is one of those meant.
    pub fn matches(&self, facts: &Facts) -> bool {
        let any = |glob: &Glob, texts: &[Text]| texts.iter().any(|text| glob.matches(text));
        let verdicts = [
            self.command.as_ref().map(|glob| glob.matches(&facts.command)),
            self.executable.as_ref().map(|glob| facts.executable.as_ref().is_some_and(|e| glob.matches(e))),
            self.cgroup.as_ref().map(|glob| any(glob, &facts.cgroups)),
            self.argument.as_ref().map(|glob| any(glob, &facts.arguments)),
            self.unit
                .as_ref()
                .map(|glob| cgroup::unit(&facts.cgroups).is_some_and(|unit| glob.matches(unit))),
        ];
        let mut given = verdicts.into_iter().flatten().peekable();
        given.peek().is_some() && given.all(|verdict| verdict)
    }
}

/// A pattern for a whole text: `*` stands for any run of characters, `?` for one.
#[derive(Debug, Clone)]
pub struct Glob(WildMatch);

impl Glob {
    /// Compiles a pattern; every text is one.
    pub fn new(pattern: &str) -> Self {
        Glob(WildMatch::new(pattern))
    }

    /// True when the whole of `text` fits.
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}
