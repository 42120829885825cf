//! Whether a question makes sense. What does not is told by the name of the part that is wrong.

use thiserror::Error;

use super::{Ask, Filter, Measure, Query, Value};
use crate::{Kind, Table};

/// Most rows, groups or values that an answer may have.
pub const MOST_ROWS: usize = 100_000;
/// Most fields or figures.
pub const MOST_FIELDS: usize = 64;
/// Most conditions in a filter, and values in a set.
const MOST_CONDITIONS: usize = 1000;
/// How deep conditions may lie in one another.
const DEEPEST: usize = 32;

/// Why a question is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{part}: {why}")]
pub struct Invalid {
    /// The part of the question: `filter`, `ask.by`.
    pub part: &'static str,
    /// What is wrong with it, with the field's name.
    pub why: String,
}

fn invalid<T>(part: &'static str, why: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid { part, why: why.into() })
}

impl Table {
    /// What values the field of this name has: a column's, or text within a column of names and texts.
    pub fn field(self, name: &str) -> Option<(usize, Kind, Option<&str>)> {
        if let Some((place, column)) = self.column(name) {
            return Some((place, column.kind, None));
        }
        let (column, key) = name.split_once('.')?;
        let (place, column) = self.column(column)?;
        (column.kind == Kind::Map).then_some((place, Kind::Text, Some(key)))
    }
}

impl Query {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// What is wrong, the first thing.
    pub fn validate(&self) -> Result<(), Invalid> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return invalid("to", "lies before `from`");
        }
        let table = self.table;
        conditions(table, "filter", &self.filter)?;
        match &self.ask {
            Ask::Rows { columns, order, limit, .. } => {
                fields(table, "ask.columns", columns, |_| true)?;
                fields(table, "ask.order.by", std::slice::from_ref(&order.by), Kind::is_number)?;
                self::limit(*limit)
            }
            Ask::Each { columns, limit } => {
                fields(table, "ask.columns", columns, |_| true)?;
                if *limit == Some(0) { invalid("ask.limit", "is 0") } else { Ok(()) }
            }
            Ask::Groups { by, every, measures, order, limit } => {
                fields(table, "ask.by", by, can_be_compared)?;
                if every.is_some_and(|every| every <= 0) {
                    return invalid("ask.every", "is not more than 0");
                }
                self::measures(table, measures)?;
                if order.is_some_and(|order| order >= measures.len()) {
                    return invalid("ask.order", "there is no such measure");
                }
                self::limit(*limit)
            }
            Ask::Trace { id } => match table.column("trace_id") {
                None => invalid("table", format!("`{table}` has no traces")),
                Some(_) if hex(id).is_none_or(|id| id.len() != 16) => {
                    invalid("ask.id", "is not 32 hexadecimal digits")
                }
                Some(_) => Ok(()),
            },
            Ask::Facets { fields: names, limit } => {
                fields(table, "ask.fields", names, can_be_compared)?;
                self::limit(*limit)
            }
            Ask::HeatMap { every, field, bits } => {
                if *every <= 0 {
                    return invalid("ask.every", "is not more than 0");
                }
                if *bits > 4 {
                    return invalid("ask.bits", "is more than 4");
                }
                fields(table, "ask.field", std::slice::from_ref(field), Kind::is_number)
            }
            Ask::Apart { selection, fields: names, limit } => {
                conditions(table, "ask.selection", selection)?;
                fields(table, "ask.fields", names, can_be_compared)?;
                self::limit(*limit)
            }
        }
    }
}

/// Rows can be grouped by it.
fn can_be_compared(kind: Kind) -> bool {
    !matches!(kind, Kind::Map | Kind::Histogram | Kind::Float)
}

fn limit(limit: usize) -> Result<(), Invalid> {
    match limit {
        0 => invalid("ask.limit", "is 0"),
        1..=MOST_ROWS => Ok(()),
        _ => invalid("ask.limit", format!("is more than {MOST_ROWS}")),
    }
}

fn kind(table: Table, part: &'static str, name: &str) -> Result<Kind, Invalid> {
    match table.field(name) {
        Some((_, kind, _)) => Ok(kind),
        None => invalid(part, format!("`{table}` has no field `{name}`")),
    }
}

fn fields(
    table: Table,
    part: &'static str,
    names: &[String],
    fits: impl Fn(Kind) -> bool,
) -> Result<(), Invalid> {
    if names.len() > MOST_FIELDS {
        return invalid(part, format!("has more than {MOST_FIELDS} fields"));
    }
    for name in names {
        let kind = kind(table, part, name)?;
        if !fits(kind) {
            return invalid(part, format!("`{name}` ({}) cannot be used so", kind.title()));
        }
    }
    Ok(())
}

fn measures(table: Table, measures: &[Measure]) -> Result<(), Invalid> {
    let part = "ask.measures";
    match measures.len() {
        0 => return invalid(part, "there is none"),
        1..=MOST_FIELDS => {}
        _ => return invalid(part, format!("there are more than {MOST_FIELDS}")),
    }
    for measure in measures {
        match measure {
            Measure::Errors if table.column("error.type").is_none() && table.weight().is_none() => {
                return invalid(part, format!("`{table}` tells of no errors"));
            }
            Measure::Percentile { percent, .. } if !(0.0..=100.0).contains(percent) => {
                return invalid(part, "a percentile is not between 0 and 100");
            }
            Measure::Percentile { field, .. } => {
                let fits = |kind: Kind| kind.is_number() || kind == Kind::Histogram;
                fields(table, part, std::slice::from_ref(field), fits)?;
            }
            _ => {
                let fits = |kind: Kind| kind.is_number() || kind == Kind::Float;
                fields(table, part, measure.field().map(str::to_owned).as_slice(), fits)?;
            }
        }
    }
    Ok(())
}

fn conditions(table: Table, part: &'static str, filter: &Filter) -> Result<(), Invalid> {
    let mut count = 0;
    filter.fields(&mut |_| count += 1);
    if count > MOST_CONDITIONS {
        return invalid(part, format!("has more than {MOST_CONDITIONS} conditions"));
    }
    condition(table, part, filter, 0)
}

fn condition(table: Table, part: &'static str, filter: &Filter, depth: usize) -> Result<(), Invalid> {
    if depth > DEEPEST {
        return invalid(part, format!("conditions lie more than {DEEPEST} deep in one another"));
    }
    match filter {
        Filter::All => Ok(()),
        Filter::Is { field, value } => self::value(table, part, field, value),
        Filter::In { field, values } => {
            if values.len() > MOST_CONDITIONS {
                return invalid(part, format!("`{field}` has more than {MOST_CONDITIONS} values"));
            }
            kind(table, part, field)?;
            values.iter().try_for_each(|value| self::value(table, part, field, value))
        }
        Filter::Range { field, from, to } => {
            let kind = kind(table, part, field)?;
            if !kind.is_number() && kind != Kind::Float {
                return invalid(part, format!("`{field}` ({}) has no ranges", kind.title()));
            }
            from.iter().chain(to).try_for_each(|value| self::value(table, part, field, value))
        }
        Filter::Prefix { field, .. } => match kind(table, part, field)? {
            kind if kind.is_text() => Ok(()),
            kind => invalid(part, format!("`{field}` ({}) has no beginnings", kind.title())),
        },
        Filter::Exists { field } => kind(table, part, field).map(drop),
        Filter::And(filters) | Filter::Or(filters) => {
            filters.iter().try_for_each(|filter| condition(table, part, filter, depth + 1))
        }
        Filter::Not(filter) => condition(table, part, filter, depth + 1),
    }
}

fn value(table: Table, part: &'static str, field: &str, value: &Value) -> Result<(), Invalid> {
    let kind = kind(table, part, field)?;
    let fits = match (kind, value) {
        (Kind::Time | Kind::Duration | Kind::Number, Value::Number(_)) => true,
        (Kind::Float, Value::Number(_) | Value::Float(_)) => true,
        (Kind::Flag, Value::Flag(_)) => true,
        (Kind::Word | Kind::Text, Value::Text(_)) => true,
        (Kind::Id, Value::Text(text)) => hex(text).is_some_and(|bytes| bytes.len() == 8),
        (Kind::Bytes(size), Value::Text(text)) => hex(text).is_some_and(|bytes| bytes.len() == size as usize),
        _ => false,
    };
    if fits { Ok(()) } else { invalid(part, format!("`{field}` ({}) has no such value", kind.title())) }
}

/// The bytes of hexadecimal digits.
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > 64 {
        return None;
    }
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: &str) {
        let query: Query = serde_json::from_str(query).unwrap();
        let found = query.validate().err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(found, expected);
        let text = serde_json::to_string(&query).unwrap();
        assert_eq!(serde_json::from_str::<Query>(&text).unwrap(), query, "{text}");
    }

    const ROWS: &str = r#""ask":{"rows":{"limit":1}}"#;

    #[test]
    fn what_makes_sense_passes() {
        for filter in [
            r#""all""#,
            r#"{"is":{"field":"service.name","value":"shop"}}"#,
            r#"{"in":{"field":"http.response.status_code","values":[500,503]}}"#,
            r#"{"range":{"field":"duration","from":1000000}}"#,
            r#"{"prefix":{"field":"attributes.user","text":"a"}}"#,
            r#"{"not":{"or":[{"exists":{"field":"error.type"}},{"is":{"field":"weir.waiting","value":true}}]}}"#,
            r#"{"is":{"field":"weir.connection","value":"00000000000000ff"}}"#,
        ] {
            check(&format!(r#"{{"table":"requests","filter":{filter},{ROWS}}}"#), "");
        }
        for ask in [
            r#"{"groups":{"by":["server"],"every":60000000000,"measures":["count","errors",{"mean":"duration"},{"percentile":{"field":"duration","percent":99}}],"order":0,"limit":10}}"#,
            r#"{"trace":{"id":"0af7651916cd43dd8448eb211c80319c"}}"#,
            r#"{"heat_map":{"every":1,"field":"duration"}}"#,
            r#"{"each":{}}"#,
            r#"{"each":{"columns":["name"],"limit":5000000}}"#,
            r#"{"apart":{"selection":{"exists":{"field":"error.type"}},"limit":5}}"#,
        ] {
            check(&format!(r#"{{"table":"requests","ask":{ask}}}"#), "");
        }
    }

    #[test]
    fn mistakes_are_told_by_their_place() {
        let filter = |filter: &str| format!(r#"{{"table":"requests","filter":{filter},{ROWS}}}"#);
        let ask = |ask: &str| format!(r#"{{"table":"requests","ask":{ask}}}"#);
        for (query, expected) in [
            (filter(r#"{"exists":{"field":"colour"}}"#), "filter: `requests` has no field `colour`"),
            (
                filter(r#"{"is":{"field":"duration","value":"x"}}"#),
                "filter: `duration` (duration, ns) has no such value",
            ),
            (
                filter(r#"{"is":{"field":"trace_id","value":"abc"}}"#),
                "filter: `trace_id` (16 bytes) has no such value",
            ),
            (filter(r#"{"range":{"field":"client"}}"#), "filter: `client` (word) has no ranges"),
            (
                filter(r#"{"not":{"prefix":{"field":"time","text":"2"}}}"#),
                "filter: `time` (time) has no beginnings",
            ),
            (ask(r#"{"rows":{"limit":0}}"#), "ask.limit: is 0"),
            (ask(r#"{"each":{"limit":0}}"#), "ask.limit: is 0"),
            (ask(r#"{"each":{"columns":["colour"]}}"#), "ask.columns: `requests` has no field `colour`"),
            (
                ask(r#"{"rows":{"limit":1,"order":{"by":"client"}}}"#),
                "ask.order.by: `client` (word) cannot be used so",
            ),
            (ask(r#"{"groups":{"measures":[],"limit":1}}"#), "ask.measures: there is none"),
            (
                ask(r#"{"groups":{"measures":[{"sum":"name"}],"limit":1}}"#),
                "ask.measures: `name` (word) cannot be used so",
            ),
            (
                ask(r#"{"groups":{"measures":["count"],"order":1,"limit":1}}"#),
                "ask.order: there is no such measure",
            ),
            (
                ask(r#"{"groups":{"by":["attributes"],"measures":["count"],"limit":1}}"#),
                "ask.by: `attributes` (names and texts) cannot be used so",
            ),
            (ask(r#"{"trace":{"id":"12"}}"#), "ask.id: is not 32 hexadecimal digits"),
            (ask(r#"{"heat_map":{"every":0,"field":"duration"}}"#), "ask.every: is not more than 0"),
        ] {
            check(&query, expected);
        }
        check(r#"{"table":"agents","ask":{"trace":{"id":"12"}}}"#, "table: `agents` has no traces");
        check(&format!(r#"{{"table":"logs","from":2,"to":1,{ROWS}}}"#), "to: lies before `from`");
    }

    #[test]
    fn depth_is_bounded() {
        let mut filter = Filter::All;
        (0..50).for_each(|_| filter = Filter::Not(Box::new(filter.clone())));
        let ask = Ask::Facets { fields: vec![], limit: 1 };
        let query = Query { table: Table::Logs, from: None, to: None, filter, ask };
        assert_eq!(query.validate().unwrap_err().part, "filter");
    }
}
