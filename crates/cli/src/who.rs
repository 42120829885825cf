//! Filters by process, which several commands have.

use model::request::Process;
use wildmatch::WildMatch;

/// Longest command that the kernel keeps.
const COMMAND_BYTES: usize = 15;

/// A process as it is asked for: by its id, or by its command.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    Pid(u32),
    Command(WildMatch),
}

impl Who {
    pub(crate) fn new(typed: &str) -> Self {
        if let Ok(pid) = typed.parse() {
            return Who::Pid(pid);
        }
        // The kernel has cut the command, so a whole name is cut as well.
        let cut =
            typed.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= COMMAND_BYTES);
        let end = if is_glob(typed) { typed.len() } else { cut.last().unwrap_or(0) };
        Who::Command(WildMatch::new(&typed[..end]))
    }

    pub(crate) fn matches(&self, process: Option<&Process>) -> bool {
        process.is_some_and(|process| match self {
            Who::Pid(pid) => process.pid == *pid,
            Who::Command(command) => command.matches(&process.command),
        })
    }
}

/// An option that was not given asks for nothing.
pub(crate) fn any<T>(wanted: &[T], matches: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(matches)
}

pub(crate) fn is_glob(typed: &str) -> bool {
    typed.contains(['*', '?'])
}
