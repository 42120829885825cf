//! What both ends of a call saw, put side by side.

use std::collections::BTreeMap;

use schema::query::Group;

use super::ask::text;
use super::figures::Figures;

/// The same requests as each of their ends saw them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sides {
    pub(super) client: Option<Figures>,
    pub(super) server: Option<Figures>,
}

impl Sides {
    /// What is told of them: what the server's end saw, where it saw as much as the client's. What only one end saw is known from
    /// there; with the server's end seen in part (another host of it has no agent) the client's knows more.
    pub(super) fn best(&self) -> Figures {
        match (&self.client, &self.server) {
            (Some(client), Some(server)) if client.count > server.count + server.count / 10 => client.clone(),
            (_, Some(server)) => server.clone(),
            (Some(client), None) => client.clone(),
            (None, None) => Figures::default(),
        }
    }
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
