//! Answers found the plain way, row by row, to compare others with.

use std::collections::{BTreeMap, HashMap};

use schema::query::{Ask, Cell, Filter, Group, Measure, Query, Value};

/// A row: its values by the names of their fields. What it does not have it lacks.
pub(super) type Row = BTreeMap<String, Cell>;

fn number(row: &Row, field: &str) -> Option<i64> {
    match row.get(field) {
        Some(Cell::Number(number)) => Some(*number),
        _ => None,
    }
}

fn is(row: &Row, field: &str, value: &Value) -> bool {
    match (row.get(field), value) {
        (Some(Cell::Number(found)), Value::Number(wanted)) => found == wanted,
        (Some(Cell::Text(found)), Value::Text(wanted)) => found == wanted,
        (Some(Cell::Flag(found)), Value::Flag(wanted)) => found == wanted,
        _ => false,
    }
}

pub(super) fn matches(row: &Row, filter: &Filter) -> bool {
    match filter {
        Filter::All => true,
        Filter::Is { field, value } => is(row, field, value),
        Filter::In { field, values } => values.iter().any(|value| is(row, field, value)),
        Filter::Range { field, from, to } => number(row, field).is_some_and(|found| {
            let bound = |value: &Option<Value>| match value {
                Some(Value::Number(number)) => Some(*number),
                _ => None,
            };
            bound(from).is_none_or(|from| found >= from) && bound(to).is_none_or(|to| found < to)
        }),
        Filter::Prefix { field, text } => {
            matches!(row.get(field), Some(Cell::Text(found)) if found.starts_with(text))
        }
        Filter::Exists { field } => row.contains_key(field),
        Filter::And(filters) => filters.iter().all(|filter| matches(row, filter)),
        Filter::Or(filters) => filters.iter().any(|filter| matches(row, filter)),
        Filter::Not(filter) => !matches(row, filter),
    }
}

/// The rows that a query is about.
pub(super) fn selected<'a>(rows: &'a [Row], query: &Query) -> Vec<&'a Row> {
    let in_time = |row: &Row| {
        let time = number(row, "time").unwrap();
        query.from.is_none_or(|from| time >= from) && query.to.is_none_or(|to| time < to)
    };
    rows.iter().filter(|row| in_time(row) && matches(row, &query.filter)).collect()
}

fn cell(row: &Row, field: &str) -> Cell {
    row.get(field).cloned().unwrap_or(Cell::Null)
}

/// Values in the order of `columns`, newest or greatest first, or the other way round.
pub(super) fn rows(found: &[&Row], columns: &[String], by: &str, ascending: bool) -> Vec<Vec<Cell>> {
    let mut rows: Vec<(i64, Vec<Cell>)> = found
        .iter()
        .map(|row| {
            let last = if ascending { i64::MAX } else { i64::MIN };
            let value = number(row, by).unwrap_or(last);
            (value, columns.iter().map(|column| cell(row, column)).collect())
        })
        .collect();
    rows.sort_by(|one, other| {
        let by_value = if ascending { one.0.cmp(&other.0) } else { other.0.cmp(&one.0) };
        by_value.then_with(|| one.1.partial_cmp(&other.1).unwrap())
    });
    rows.into_iter().map(|(_, cells)| cells).collect()
}

/// Groups in the order of their times and keys. Percentiles are those of the value at the nearest rank.
pub(super) fn groups(found: &[&Row], ask: &Ask) -> Vec<Group> {
    let Ask::Groups { by, every, measures, .. } = ask else { panic!("no groups are asked for") };
    type Rows<'a> = (Option<i64>, Vec<Cell>, Vec<&'a Row>);
    let mut groups: HashMap<String, Rows<'_>> = HashMap::new();
    for row in found {
        let time = every.map(|every| number(row, "time").unwrap().div_euclid(every) * every);
        let keys: Vec<Cell> = by.iter().map(|field| cell(row, field)).collect();
        let group = groups.entry(format!("{time:?} {keys:?}")).or_insert((time, keys, Vec::new()));
        group.2.push(row);
    }
    let tell = |(time, keys, rows): (Option<i64>, Vec<Cell>, Vec<&Row>)| {
        let measures = measures.iter().map(|measure| figure(&rows, measure)).collect();
        Group { time, keys, measures }
    };
    let mut groups: Vec<Group> = groups.into_values().map(tell).collect();
    groups.sort_by(|one, other| {
        one.time.cmp(&other.time).then_with(|| one.keys.partial_cmp(&other.keys).unwrap())
    });
    groups
}

fn figure(rows: &[&Row], measure: &Measure) -> Option<f64> {
    let mut numbers: Vec<i64> = measure
        .field()
        .map_or_else(Vec::new, |field| rows.iter().filter_map(|row| number(row, field)).collect());
    numbers.sort_unstable();
    let sum = numbers.iter().map(|number| i128::from(*number)).sum::<i128>() as f64;
    match measure {
        Measure::Count => Some(rows.len() as f64),
        Measure::Errors => Some(rows.iter().filter(|row| row.contains_key("error.type")).count() as f64),
        _ if numbers.is_empty() => None,
        Measure::Sum(_) => Some(sum),
        Measure::Mean(_) => Some(sum / numbers.len() as f64),
        Measure::Min(_) => numbers.first().map(|number| *number as f64),
        Measure::Max(_) => numbers.last().map(|number| *number as f64),
        Measure::Percentile { percent, .. } => {
            let rank = ((percent / 100.0 * numbers.len() as f64).ceil() as usize).clamp(1, numbers.len());
            Some(numbers[rank - 1] as f64)
        }
    }
}

/// How many rows have each value, the most frequent first.
pub(super) fn facet(found: &[&Row], field: &str) -> Vec<(Cell, u64)> {
    let mut counts: HashMap<String, (Cell, u64)> = HashMap::new();
    for row in found {
        let cell = cell(row, field);
        counts.entry(format!("{cell:?}")).or_insert((cell, 0)).1 += 1;
    }
    let mut counts: Vec<(Cell, u64)> = counts.into_values().collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.partial_cmp(&other.0).unwrap()));
    counts
}
