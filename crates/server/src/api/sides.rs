//! What both ends of a call saw, put side by side.

use std::collections::BTreeMap;

use model::names;
use schema::query::Group;

use super::ask::text;
use super::figures::Figures;

/// The same requests as each of their ends saw them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sides {
    pub(super) client: Option<Figures>,
    pub(super) server: Option<Figures>,
}

/// An end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Client,
    Server,
}

/// The end that is told, by how many requests each saw: the server's, where it saw as much as the client's.
fn told(client: Option<u64>, server: Option<u64>) -> Option<End> {
    match (client, server) {
        (Some(client), Some(server)) if client > server + server / 10 => Some(End::Client),
        (_, Some(_)) => Some(End::Server),
        (Some(_), None) => Some(End::Client),
        (None, None) => None,
    }
}

impl Sides {
    fn of(&self, end: End) -> Option<&Figures> {
        match end {
            End::Client => self.client.as_ref(),
            End::Server => self.server.as_ref(),
        }
    }

    /// What is told of them: what the server's end saw, where it saw as much as the client's. What only one end saw is known from
    /// there; with the server's end seen in part (another host of it has no agent) the client's knows more.
    pub(super) fn best(&self) -> Figures {
        let count = |figures: &Option<Figures>| figures.as_ref().map(|figures| figures.count);
        let told = told(count(&self.client), count(&self.server));
        told.and_then(|end| self.of(end)).cloned().unwrap_or_default()
    }
}

/// What is told of requests over time: of all times the same end. A call whose ends lie in two of them would else be counted in both.
pub(super) fn best_over_time(times: Vec<(i64, Sides)>) -> Vec<(i64, Figures)> {
    let count = |end: End| {
        let counts = times.iter().filter_map(|(_, sides)| Some(sides.of(end)?.count));
        counts.reduce(|all, count| all + count)
    };
    let Some(end) = told(count(End::Client), count(End::Server)) else { return Vec::new() };
    times.iter().filter_map(|(time, sides)| Some((*time, sides.of(end)?.clone()))).collect()
}

/// Fields that tell of the end that saw a call, and not of the call.
const OF_AN_END: &[&str] = &[
    "role",
    names::SERVICE_NAME,
    names::HOST_NAME,
    names::PROCESS_PID,
    names::PROCESS_EXECUTABLE_NAME,
    names::WEIR_CONNECTION,
];

/// Whether what both ends saw falls together where calls are put together by these fields: not by what differs from end to end, or tells of
/// what one asks and what one answers.
pub(super) fn fold(by: &[impl AsRef<str>]) -> bool {
    !by.iter().any(|field| OF_AN_END.contains(&field.as_ref()))
}

/// Groups of figures by their keys; the last key of each group is the `role`. Figures that are from an unknown side are as good as the
/// client's.
pub(super) fn sides(groups: &[Group], seconds: f64) -> BTreeMap<Vec<String>, Sides> {
    let mut all: BTreeMap<Vec<String>, Sides> = BTreeMap::new();
    for group in groups {
        let Some((role, keys)) = group.keys.split_last() else { continue };
        let keys = keys.iter().map(|key| text(Some(key)).unwrap_or_default()).collect();
        let sides = all.entry(keys).or_default();
        let figures = Figures::of(&group.measures, seconds);
        match text(Some(role)).as_deref() {
            Some("server") => sides.server = Some(figures),
            Some("client") => sides.client = Some(figures),
            _ if sides.client.is_none() => sides.client = Some(figures),
            _ => {}
        }
    }
    all
}

/// The same where ends are not put side by side: each group stands for itself.
pub(super) fn apart(groups: &[Group], seconds: f64) -> BTreeMap<Vec<String>, Sides> {
    let one = |group: &Group| {
        let keys = group.keys.iter().map(|key| text(Some(key)).unwrap_or_default()).collect();
        (keys, Sides { client: None, server: Some(Figures::of(&group.measures, seconds)) })
    };
    groups.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use schema::query::Cell;

    use super::*;

    fn group(keys: [&str; 2], count: f64) -> Group {
        let keys = keys.into_iter().map(|key| Cell::Text(key.into())).collect();
        Group { time: None, keys, measures: vec![Some(count), Some(0.0), None, None, None, None] }
    }

    #[test]
    fn the_end_that_saw_more_is_told_and_the_servers_where_both_did() {
        let groups = [
            group(["both", "client"], 100.0),
            group(["both", "server"], 99.0),
            group(["half", "client"], 100.0),
            group(["half", "server"], 50.0),
            group(["out", "client"], 7.0),
            group(["in", "server"], 8.0),
            group(["unclear", "unknown"], 9.0),
        ];
        let all = sides(&groups, 1.0);
        let counts: Vec<_> = all.iter().map(|(key, sides)| (key[0].as_str(), sides.best().count)).collect();
        assert_eq!(counts, [("both", 99), ("half", 100), ("in", 8), ("out", 7), ("unclear", 9)]);
        assert_eq!(all[&vec!["both".to_owned()]].client.as_ref().map(|figures| figures.count), Some(100));
    }
}
