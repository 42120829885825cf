//! Which connections are shown.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, value_parser};
use model::Role;
use model::request::{Peer, Process};
use model::tcp::{Connection, Listening, Moment, State};
use wildmatch::WildMatch;

use crate::nearest::nearest;
use crate::requests::filter::Side;
use crate::who::{Who, any};

/// What is shown, as typed. An option may be given several times: one of its values has to match. Every option that is given
/// has to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filter")]
pub struct FilterArgs {
    /// Only what this process has: its command (`*` and `?` allowed) or its id.
    #[arg(long, value_name = "NAME|PID", value_parser = NonEmptyStringValueParser::new())]
    pub process: Vec<String>,
    /// Only connections from or to this service (`*` and `?` allowed).
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub service: Vec<String>,
    /// Only connections to this port of the server.
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub port: Vec<u16>,
    /// Only connections in this state, such as established or close_wait.
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    pub state: Vec<State>,
    /// Only connections that are closed, and connects that failed.
    #[arg(long)]
    pub closed: bool,
    /// Only what was seen on this side.
    #[arg(long, value_enum)]
    pub role: Option<Side>,
}

/// What is shown, compiled.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    processes: Vec<Who>,
    services: Vec<WildMatch>,
    ports: Vec<u16>,
    states: Vec<State>,
    closed: bool,
    role: Option<Role>,
}

impl Filter {
    /// True when the connection is to be shown.
    pub fn matches(&self, connection: &Connection) -> bool {
        let has_ended = matches!(connection.moment, Moment::Closed(_) | Moment::Failed(_));
        // The state of one that has ended is told as the last before that.
        let state = if has_ended { State::Closed } else { connection.state };
        self.role.is_none_or(|role| role == connection.role)
            && (!self.closed || has_ended)
            && any(&self.states, |wanted| *wanted == state)
            && self.concerns(&[&connection.client, &connection.server], connection.process.as_ref())
    }

    /// The same of a socket that listens.
    pub fn matches_listening(&self, listening: &Listening) -> bool {
        self.concerns(&[&listening.server], listening.process.as_ref())
    }

    /// The last of `ends` is the server.
    fn concerns(&self, ends: &[&Peer], process: Option<&Process>) -> bool {
        let port = ends.last().and_then(|server| server.endpoint.port());
        let services =
            ends.iter().filter_map(|end| end.service.as_ref()).chain(process.map(|process| &process.service));
        let has = |wanted: &WildMatch| services.clone().any(|service| wanted.matches(service));
        any(&self.ports, |wanted| port == Some(*wanted))
            && any(&self.processes, |who| who.matches(process))
            && any(&self.services, has)
    }
}

impl From<&FilterArgs> for Filter {
    fn from(typed: &FilterArgs) -> Self {
        Filter {
            processes: typed.process.iter().map(|who| Who::new(who)).collect(),
            services: typed.service.iter().map(|name| WildMatch::new(name)).collect(),
            ports: typed.port.clone(),
            states: typed.state.clone(),
            closed: typed.closed,
            role: typed.role.map(Side::role),
        }
    }
}

/// A state by its name, with `-` or blanks for `_`, in whatever case.
fn parse_state(typed: &str) -> Result<State, String> {
    let name = typed.to_ascii_lowercase().replace(['-', ' '], "_");
    let shown = || State::ALL.into_iter().filter(|state| *state != State::Listen);
    if let Some(state) = shown().find(|state| state.as_str() == name) {
        return Ok(state);
    }
    if name == State::Listen.as_str() {
        return Err("what listens is shown by --listening".into());
    }
    let names: Vec<&str> = shown().map(State::as_str).collect();
    let known = names.join(", ");
    Err(match nearest(&name, names.iter().copied()) {
        Some(meant) => format!("did you mean {meant}? Known are {known}"),
        None => format!("known are {known}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_known_by_their_names() {
        assert_eq!(parse_state("ESTABLISHED"), Ok(State::Established));
        assert_eq!(parse_state("close-wait"), Ok(State::CloseWait));
        assert!(parse_state("establshed").unwrap_err().starts_with("did you mean established?"));
        assert!(parse_state("listen").unwrap_err().contains("--listening"));
    }
}
