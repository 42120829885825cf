//! Figures of rows that have fields in common.

use std::cmp::Ordering;

use arrow_array::{Array, RecordBatch};
use schema::Table;
use schema::histogram::{Counts, EXACT_BITS, STORED_BITS, bucket, unpack};
use schema::query::{Group, Measure, Outcome};

use super::Answered;
use super::field::{Field, Values};
use super::keys::{Keys, Pairs};
use super::scan::{Fold, Scan};
use super::spans::Spans;
use crate::error::Error;
use crate::segment::times;

/// What is kept of each group; several measures may be read off one of these.
#[derive(Clone)]
enum Sums {
    /// Rows, or the sum of the column that says for how many a row stands.
    Count(Option<Field>, Vec<u64>),
    Errors(Field, Vec<u64>),
    Numbers(Field, Vec<Numbers>),
    Floats(Field, Vec<Floats>),
    /// With the bits of its buckets.
    Histogram(Field, u32, Vec<Counts>),
}

#[derive(Clone, Copy)]
struct Numbers {
    count: u64,
    sum: i128,
    min: i64,
    max: i64,
}

#[derive(Clone, Copy)]
struct Floats {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

const NO_NUMBERS: Numbers = Numbers { count: 0, sum: 0, min: i64::MAX, max: i64::MIN };
const NO_FLOATS: Floats = Floats { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

impl Sums {
    fn of(table: Table, measure: &Measure) -> Result<Self, Error> {
        let weight = |place: usize| table.weight().map(|names| Field::new(table, names[place])).transpose();
        Ok(match measure {
            Measure::Count => Sums::Count(weight(0)?, Vec::new()),
            Measure::Errors => match weight(1)? {
                Some(field) => Sums::Count(Some(field), Vec::new()),
                None => Sums::Errors(Field::new(table, model::names::ERROR_TYPE)?, Vec::new()),
            },
            Measure::Percentile { field, .. } => {
                let field = Field::new(table, field)?;
                let bits = if field.kind.is_number() { EXACT_BITS } else { STORED_BITS };
                Sums::Histogram(field, bits, Vec::new())
            }
            Measure::Sum(field) | Measure::Min(field) | Measure::Max(field) | Measure::Mean(field) => {
                let field = Field::new(table, field)?;
                if field.kind == schema::Kind::Float {
                    Sums::Floats(field, Vec::new())
                } else {
                    Sums::Numbers(field, Vec::new())
                }
            }
        })
    }

    /// They are of the same, and can be read off one.
    fn is_like(&self, other: &Sums) -> bool {
        match (self, other) {
            (Sums::Count(one, _), Sums::Count(other, _)) => one == other,
            (Sums::Errors(one, _), Sums::Errors(other, _))
            | (Sums::Numbers(one, _), Sums::Numbers(other, _))
            | (Sums::Floats(one, _), Sums::Floats(other, _))
            | (Sums::Histogram(one, ..), Sums::Histogram(other, ..)) => one == other,
            _ => false,
        }
    }

    fn column(&self) -> Option<&'static str> {
        match self {
            Sums::Count(field, _) => field.as_ref().map(|field| field.column),
            Sums::Errors(field, _)
            | Sums::Numbers(field, _)
            | Sums::Floats(field, _)
            | Sums::Histogram(field, ..) => Some(field.column),
        }
    }

    fn resize(&mut self, groups: usize) {
        match self {
            Sums::Count(_, counts) | Sums::Errors(_, counts) => counts.resize(groups, 0),
            Sums::Numbers(_, numbers) => numbers.resize(groups, NO_NUMBERS),
            Sums::Floats(_, floats) => floats.resize(groups, NO_FLOATS),
            Sums::Histogram(_, _, counts) => counts.resize_with(groups, Counts::default),
        }
    }

    fn take(&mut self, rows: &RecordBatch, groups: &[u32]) {
        match self {
            Sums::Count(None, counts) => groups.iter().for_each(|group| counts[*group as usize] += 1),
            Sums::Count(Some(field), counts) => {
                each_number(&field.values(rows), groups, |group, number| {
                    counts[group] += number.max(0) as u64
                });
            }
            Sums::Errors(field, counts) => {
                let nulls = field.values(rows).nulls();
                for (row, group) in groups.iter().enumerate() {
                    counts[*group as usize] +=
                        u64::from(nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)));
                }
            }
            Sums::Numbers(field, sums) => each_number(&field.values(rows), groups, |group, number| {
                let sum = &mut sums[group];
                sum.count += 1;
                sum.sum += i128::from(number);
                sum.min = sum.min.min(number);
                sum.max = sum.max.max(number);
            }),
            Sums::Floats(field, sums) => {
                let Values::Floats(values, nulls) = field.values(rows) else { return };
                for (row, group) in groups.iter().enumerate() {
                    if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                        let sum = &mut sums[*group as usize];
                        sum.count += 1;
                        sum.sum += values[row];
                        sum.min = sum.min.min(values[row]);
                        sum.max = sum.max.max(values[row]);
                    }
                }
            }
            Sums::Histogram(field, bits, counts) => match field.values(rows) {
                Values::Histograms(packed) => {
                    for (row, group) in groups.iter().enumerate().filter(|(row, _)| packed.is_valid(*row)) {
                        let counts = &mut counts[*group as usize];
                        unpack(packed.value(row)).for_each(|(bucket, count)| counts.add(bucket, count));
                    }
                }
                values => {
                    each_number(&values, groups, |group, number| counts[group].add(bucket(number, *bits), 1));
                }
            },
        }
    }

    /// Takes the other's group `from` as part of the group `to`.
    fn merge(&mut self, to: usize, other: &Sums, from: usize) {
        match (self, other) {
            (Sums::Count(_, counts), Sums::Count(_, others))
            | (Sums::Errors(_, counts), Sums::Errors(_, others)) => {
                counts[to] += others[from];
            }
            (Sums::Numbers(_, sums), Sums::Numbers(_, others)) => {
                let (sum, other) = (&mut sums[to], &others[from]);
                sum.count += other.count;
                sum.sum += other.sum;
                sum.min = sum.min.min(other.min);
                sum.max = sum.max.max(other.max);
            }
            (Sums::Floats(_, sums), Sums::Floats(_, others)) => {
                let (sum, other) = (&mut sums[to], &others[from]);
                sum.count += other.count;
                sum.sum += other.sum;
                sum.min = sum.min.min(other.min);
                sum.max = sum.max.max(other.max);
            }
            (Sums::Histogram(_, _, counts), Sums::Histogram(_, _, others)) => counts[to].merge(&others[from]),
            _ => {}
        }
    }

    /// What a measure tells of a group.
    fn tell(&self, measure: &Measure, group: usize) -> Option<f64> {
        match (self, measure) {
            (Sums::Count(_, counts) | Sums::Errors(_, counts), _) => Some(counts[group] as f64),
            (Sums::Numbers(_, sums), measure) => {
                let sum = sums.get(group).filter(|sum| sum.count > 0)?;
                Some(match measure {
                    Measure::Min(_) => sum.min as f64,
                    Measure::Max(_) => sum.max as f64,
                    Measure::Mean(_) => sum.sum as f64 / sum.count as f64,
                    _ => sum.sum as f64,
                })
            }
            (Sums::Floats(_, sums), measure) => {
                let sum = sums.get(group).filter(|sum| sum.count > 0)?;
                Some(match measure {
                    Measure::Min(_) => sum.min,
                    Measure::Max(_) => sum.max,
                    Measure::Mean(_) => sum.sum / sum.count as f64,
                    _ => sum.sum,
                })
            }
            (Sums::Histogram(_, bits, counts), Measure::Percentile { percent, .. }) => {
                counts.get(group)?.percentile(*percent, *bits)
            }
            (Sums::Histogram(..), _) => None,
        }
    }

    fn memory(&self) -> usize {
        match self {
            Sums::Count(_, counts) | Sums::Errors(_, counts) => 8 * counts.capacity(),
            Sums::Numbers(_, sums) => size_of::<Numbers>() * sums.capacity(),
            Sums::Floats(_, sums) => size_of::<Floats>() * sums.capacity(),
            Sums::Histogram(_, _, counts) => {
                counts.iter().map(|counts| size_of::<Counts>() + counts.memory()).sum()
            }
        }
    }
}

fn each_number(values: &Values, groups: &[u32], mut take: impl FnMut(usize, i64)) {
    let Values::Numbers(numbers, nulls) = values else { return };
    match nulls {
        None => groups.iter().zip(numbers).for_each(|(group, number)| take(*group as usize, *number)),
        Some(nulls) => {
            for row in nulls.valid_indices() {
                take(groups[row] as usize, numbers[row]);
            }
        }
    }
}

struct Groups {
    by_time: bool,
    spans: Spans,
    keys: Vec<Keys>,
    /// For each key the pair of the group without it, and the key.
    pairs: Vec<Pairs>,
    sums: Vec<Sums>,
    groups: usize,
}

impl Groups {
    /// The group of each row.
    fn of_rows(&mut self, rows: &RecordBatch) -> Vec<u32> {
        let mut groups: Vec<u32> = if self.by_time {
            times(rows).iter().map(|time| self.spans.of_time(*time)).collect()
        } else {
            vec![self.spans.of_number(0); rows.num_rows()]
        };
        for (keys, pairs) in self.keys.iter_mut().zip(&mut self.pairs) {
            let values = keys.field().values(rows);
            let found = keys.keys(&values);
            groups.iter_mut().zip(found).for_each(|(group, key)| *group = pairs.of((*group, key)));
        }
        groups
    }

    fn count_groups(&mut self) {
        self.groups = self.pairs.last().map_or(self.spans.len(), Pairs::len);
        self.sums.iter_mut().for_each(|sums| sums.resize(self.groups));
    }

    /// The number of a group's span of time, and its keys.
    fn parts(&self, group: u32) -> (u32, Vec<u32>) {
        let mut keys = Vec::with_capacity(self.pairs.len());
        let mut rest = group;
        for pairs in self.pairs.iter().rev() {
            let (before, key) = pairs.pair(rest);
            keys.push(key);
            rest = before;
        }
        keys.reverse();
        (rest, keys)
    }
}

impl Fold for Groups {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let groups = self.of_rows(rows);
        self.count_groups();
        self.sums.iter_mut().for_each(|sums| sums.take(rows, &groups));
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        for group in 0..other.groups as u32 {
            let (span, keys) = other.parts(group);
            let mut own = self.spans.of_number(other.spans.numbers()[span as usize]);
            for (place, key) in keys.into_iter().enumerate() {
                let key = self.keys[place].of_cell(other.keys[place].cell(key));
                own = self.pairs[place].of((own, key));
            }
            self.count_groups();
            for (sums, others) in self.sums.iter_mut().zip(&other.sums) {
                sums.merge(own as usize, others, group as usize);
            }
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.spans.memory()
            + self.keys.iter().map(Keys::memory).sum::<usize>()
            + self.pairs.iter().map(Pairs::memory).sum::<usize>()
            + self.sums.iter().map(Sums::memory).sum::<usize>()
    }
}

pub(crate) fn run(
    scan: &Scan<'_>,
    by: &[String],
    every: Option<i64>,
    measures: &[Measure],
    (order, limit): (Option<usize>, usize),
) -> Answered {
    let fields = Field::all(scan.table, by)?;
    let mut sums: Vec<Sums> = Vec::new();
    let mut places = Vec::with_capacity(measures.len());
    for measure in measures {
        let wanted = Sums::of(scan.table, measure)?;
        places.push(sums.iter().position(|sums| sums.is_like(&wanted)).unwrap_or(sums.len()));
        if places.last() == Some(&sums.len()) {
            sums.push(wanted);
        }
    }
    let mut columns: Vec<&'static str> = fields.iter().map(|field| field.column).collect();
    columns.extend(sums.iter().filter_map(Sums::column));
    columns.extend(every.map(|_| "time"));
    let new = || Groups {
        by_time: every.is_some(),
        spans: Spans::new(every.unwrap_or(1)),
        keys: fields.iter().map(|field| Keys::new(field.clone())).collect(),
        pairs: fields.iter().map(|_| Pairs::default()).collect(),
        sums: sums.clone(),
        groups: 0,
    };
    let (folded, scanned) = scan.fold(&columns, None, new)?;
    let mut groups: Vec<Group> = (0..folded.groups as u32)
        .map(|group| {
            let (span, keys) = folded.parts(group);
            let tell =
                |(measure, place): (&Measure, &usize)| folded.sums[*place].tell(measure, group as usize);
            Group {
                time: every.map(|_| folded.spans.begin(span)),
                keys: keys.iter().zip(&folded.keys).map(|(key, keys)| keys.cell(*key).clone()).collect(),
                measures: measures.iter().zip(&places).map(tell).collect(),
            }
        })
        .collect();
    groups.sort_by(|one, other| compare(one, other, order));
    let left_out = groups.len().saturating_sub(limit);
    groups.truncate(limit);
    Ok((Outcome::Groups { groups, left_out }, scanned))
}

fn compare(one: &Group, other: &Group, order: Option<usize>) -> Ordering {
    let by_measure = order.map_or(Ordering::Equal, |place| {
        let value = |group: &Group| group.measures.get(place).copied().flatten().unwrap_or(f64::NEG_INFINITY);
        value(other).total_cmp(&value(one))
    });
    by_measure
        .then_with(|| one.time.cmp(&other.time))
        .then_with(|| one.keys.partial_cmp(&other.keys).unwrap_or(Ordering::Equal))
}
