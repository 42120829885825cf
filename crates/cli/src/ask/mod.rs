//! Commands that ask a server: the same API as the page's, of this host or another.

mod cells;
mod client;
pub mod query;
pub mod services;
mod table;
pub mod topology;
pub mod trace;

use clap::Args;
use client::Client;

use crate::settings::{Asking, SettingsArgs};

/// Which time, and which requests.
#[derive(Debug, Clone, Args)]
pub struct Asked {
    /// From when: before now (15m, 2h, 7d), RFC 3339, or seconds since 1970.
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub from: String,
    /// Until when, in the same forms.
    #[arg(long, value_name = "TIME", default_value = "now")]
    pub to: String,
    /// One JSON document as the server answers, instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Which server.
    #[command(flatten)]
    pub server: SettingsArgs<Asking>,
}

impl Asked {
    /// As parameters of the API. Before now is what has a unit: a sign in front of it would look like an option.
    fn client(&self) -> anyhow::Result<Client> {
        Client::of(&self.server)
    }

    fn parameters(&self, filter: &[String]) -> Vec<(&'static str, String)> {
        let time = |text: &str| if is_length(text) { format!("-{text}") } else { text.to_owned() };
        let mut parameters = vec![("from", time(&self.from)), ("to", time(&self.to))];
        if !filter.is_empty() {
            parameters.push(("filter", filter.join(" ")));
        }
        parameters
    }
}

fn is_length(text: &str) -> bool {
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    unit.len() < text.len() && matches!(unit, "s" | "m" | "min" | "h" | "d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_unit_lies_before_now() {
        #[derive(clap::Parser)]
        struct Command {
            #[command(flatten)]
            asked: Asked,
        }
        let command =
            <Command as clap::Parser>::parse_from(["weir", "--from=2h", "--to=2026-11-20T08:00:00Z"]);
        let parameters = command.asked.parameters(&["service".into(), "=".into(), "shop".into()]);
        let expected = [("from", "-2h"), ("to", "2026-11-20T08:00:00Z"), ("filter", "service = shop")];
        assert_eq!(parameters, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(!is_length("now") && !is_length("h") && !is_length("1700000000") && is_length("7d"));
    }
}
