//! `weir token list`.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Value, json};
use server::auth::{Moment, Record};

use crate::text::{push_cut, width};

/// The tokens that there are, the newest last.
pub(super) struct Tokens<'a>(Vec<Row<'a>>);

struct Row<'a> {
    record: &'a Record,
    used: Option<Moment>,
    state: &'static str,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(records: &'a [Record], used: &HashMap<String, i64>, now: Moment) -> Self {
        let row = |record: &'a Record| Row {
            record,
            used: used.get(&record.id).copied().map(Moment),
            state: match record {
                record if record.revoked.is_some() => "revoked",
                record if !record.is_valid(now) => "expired",
                _ => "valid",
            },
        };
        Tokens(records.iter().map(row).collect())
    }

    /// A table for people.
    pub(super) fn table(&self) -> String {
        if self.0.is_empty() {
            return "there are no tokens: `weir token create --help` tells how to make one\n".into();
        }
        let widest = self.0.iter().map(|row| width(&row.record.name)).max().unwrap_or(0).clamp(4, 30);
        let day = |moment: Option<Moment>, none: &'static str| {
            moment.map_or(none.to_owned(), |moment| moment.to_string().chars().take(16).collect())
        };
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{:<8}  {:<widest$}  {:<5}  {:<7}  {:<16}  {:<16}  USED (UTC)",
            "ID", "NAME", "SCOPE", "STATE", "CREATED (UTC)", "EXPIRES (UTC)"
        );
        for Row { record, used, state } in &self.0 {
            let mut name = String::new();
            let columns = push_cut(&record.name, widest, &mut name);
            name.extend(std::iter::repeat_n(' ', widest.saturating_sub(columns)));
            let _ = writeln!(
                text,
                "{:<8}  {name}  {:<5}  {state:<7}  {:<16}  {:<16}  {}",
                record.id,
                record.scope.name(),
                day(Some(record.created), ""),
                day(record.expires, "never"),
                day(*used, "never"),
            );
        }
        text
    }

    /// One object a line.
    pub(super) fn lines(&self) -> String {
        let line = |row: &Row| {
            let record = row.record;
            object(json!({
                "id": record.id, "name": record.name, "scope": record.scope, "state": row.state, "created": record.created,
                "expires": record.expires, "revoked": record.revoked, "used": row.used,
            }))
        };
        self.0.iter().map(line).collect()
    }
}

/// A line with what has a value.
pub(super) fn object(mut value: Value) -> String {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use server::auth::{Scope, TokenFile};

    use super::*;

    #[test]
    fn tokens_are_shown_with_what_has_become_of_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = TokenFile::new(folder.path());
        let start = Moment(1_795_161_600);
        let make =
            |scope, name: &str, expires| file.create(scope, name, expires, start).expect("a token").1.id;
        let ids = [
            make(Scope::Read, "grafana", Some(start.after(90 * 86_400))),
            make(Scope::Write, "old", Some(start.after(60))),
            make(Scope::Agent, &"long name ".repeat(9), None),
        ];
        file.revoke(&ids[2], start.after(7)).expect("revoked");
        let records = file.read().expect("read").records;
        let used = HashMap::from([(ids[0].clone(), start.0 + 120)]);
        let tokens = Tokens::new(&records, &used, start.after(3600));
        let mut table = tokens.table();
        for (id, digit) in ids.iter().zip(["1", "2", "3"]) {
            table = table.replace(id, &digit.repeat(8));
        }
        assert_eq!(
            table,
            "ID        NAME                            SCOPE  STATE    CREATED (UTC)     EXPIRES (UTC)     USED (UTC)\n\
             11111111  grafana                         read   valid    2026-11-20T08:00  2027-02-18T08:00  2026-11-20T08:02\n\
             22222222  old                             write  expired  2026-11-20T08:00  2026-11-20T08:01  never\n\
             33333333  long name long name long name…  agent  revoked  2026-11-20T08:00  never             never\n"
        );
        let lines = tokens.lines();
        let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
        assert_eq!(
            first,
            json!({
                "id": ids[0], "name": "grafana", "scope": "read", "state": "valid", "created": "2026-11-20T08:00:00Z",
                "expires": "2027-02-18T08:00:00Z", "used": "2026-11-20T08:02:00Z",
            })
        );
        assert!(Tokens::new(&[], &used, start).table().contains("weir token create"));
    }
}
