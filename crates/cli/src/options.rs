//! Settings as the crates that go by them want them.

use std::path::PathBuf;

use clap::Args;
use config::Settings;
use probes::Backend;
use workload::{Glob, Matcher};

use crate::units;

/// For those who work on Weir.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct SelfArgs {
    /// Watch the processes that are shown here (by Weir itself, too).
    #[arg(long, hide = true)]
    pub observe_self: bool,
}

/// The shortest interval of a live view: each looks at everything that it may show.
const LEAST_INTERVAL: u64 = 100_000_000;

/// An interval of a live view.
///
/// # Errors
///
/// When it is none, or too short.
pub fn parse_interval(text: &str) -> Result<units::Duration, String> {
    let interval = units::parse_duration(text).map_err(|error| error.to_string())?;
    if interval.0 >= LEAST_INTERVAL { Ok(interval) } else { Err("it may be 100ms or longer".into()) }
}

/// As the crate `probes` wants it.
pub fn capture(settings: &Settings, itself: SelfArgs) -> probes::Config {
    let default = probes::Config::default();
    let ring = settings.capture_ring().and_then(|size| u32::try_from(size.0).ok());
    let only = settings.capture_backend();
    probes::Config {
        ring_bytes: ring.unwrap_or(default.ring_bytes),
        only: only.and_then(|name| Backend::ALL.into_iter().find(|backend| backend.as_str() == name)),
        datagrams: settings.capture_udp(),
        observe_self: itself.observe_self,
        ..default
    }
}

/// The same where traces are put together.
pub fn protocols_of_traces(settings: &Settings) -> protocols::Settings {
    protocols::Settings { ids: settings.traces_headers(), ..protocols(settings) }
}

/// As the crate `protocols` wants it.
pub fn protocols(settings: &Settings) -> protocols::Settings {
    protocols::Settings { keep_values: settings.privacy_show_values(), lean: false, ids: false }
}

/// As the crate `workload` wants it.
pub fn names(settings: &Settings) -> workload::Config {
    let services = settings.services().into_iter().map(|rule| {
        let glob = |field| rule.get(field).map(Glob::new);
        Matcher {
            name: rule.get("name").unwrap_or_default().into(),
            command: glob("command"),
            executable: glob("executable"),
            argument: glob("argument"),
            cgroup: glob("cgroup"),
            unit: glob("unit"),
        }
    });
    workload::Config { services: services.collect() }
}

/// Where processes' names come from.
#[derive(Debug, Clone)]
pub struct Naming {
    /// Names given by hand.
    pub rules: workload::Config,
    /// Docker's folder.
    pub docker_root: PathBuf,
}

impl Naming {
    /// As it is set.
    pub fn of(settings: &Settings) -> Self {
        Naming { rules: names(settings), docker_root: settings.names_docker_root().into() }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use config::KEYS;

    use super::*;

    /// The settings of a file with this text.
    pub(crate) fn settings(text: &str) -> Settings {
        let mut settings = Settings::defaults(KEYS);
        let problems = settings.read(text, "f");
        assert!(problems.is_empty(), "{problems}");
        settings
    }

    #[test]
    fn defaults_are_those_of_the_crates() {
        let settings = Settings::defaults(KEYS);
        let (own, theirs) = (capture(&settings, SelfArgs::default()), probes::Config::default());
        assert_eq!(format!("{own:?}"), format!("{theirs:?}"));
        assert_eq!(format!("{:?}", protocols(&settings)), format!("{:?}", protocols::Settings::default()));
        assert!(names(&settings).services.is_empty());
    }

    #[test]
    fn every_way_to_see_can_be_set() {
        for backend in Backend::ALL {
            let settings = settings(&format!("capture: {{backend: {}}}", backend.as_str()));
            assert_eq!(capture(&settings, SelfArgs::default()).only, Some(backend));
        }
    }

    #[test]
    fn every_field_of_a_service_counts() {
        let facts = |cgroup: &str| workload::Facts {
            command: "python3".into(),
            executable: Some("/usr/bin/python3".into()),
            arguments: vec!["python3".into(), "/srv/shop.py".into()],
            cgroups: vec![cgroup.into()],
            ..workload::Facts::default()
        };
        for field in
            ["command: pyth*", "executable: '*/python?'", "argument: '*/shop.py'", "cgroup: /a/*", "unit: w*"]
        {
            let rules = names(&settings(&format!("services: [{{name: named, {field}}}]")));
            let named = workload::name(&facts("/a/web.service"), &rules);
            assert_eq!((&*named.name, named.rule), ("named", workload::Rule::Configuration), "{field}");
            let wrong = field.replace(": ", ": x");
            let rules =
                names(&settings(&format!("services: [{{name: named, {}}}]", wrong.replace("x'", "'x"))));
            assert_ne!(&*workload::name(&facts("/a/web.service"), &rules).name, "named", "{wrong}");
        }
    }
}
