//! The columns of `weir top`: which there are room for, what stands in them, and their order.

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use signals::recent::{Row, View};

use crate::requests::cells;
use crate::text::{push_clean, push_elided, width};
use crate::units::{Duration, Size};

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Sort {
    /// Who or what it is, from A on.
    Name,
    /// Requests a second.
    #[default]
    Rate,
    /// Failed ones a second.
    Errors,
    /// The part that failed.
    Share,
    /// Half of all are no slower.
    P50,
    /// 95 % are no slower.
    P95,
    /// 99 % are no slower.
    P99,
    /// Bytes of requests and responses.
    Bytes,
}

impl Sort {
    /// All of them, in the order of the columns.
    pub const ALL: [Sort; 8] =
        [Sort::Name, Sort::Rate, Sort::Errors, Sort::Share, Sort::P50, Sort::P95, Sort::P99, Sort::Bytes];

    /// The one so many further, around the end.
    pub fn further(self, steps: isize) -> Sort {
        let place = Sort::ALL.iter().position(|sort| *sort == self).unwrap_or(0) as isize;
        Sort::ALL[(place + steps).rem_euclid(Sort::ALL.len() as isize) as usize]
    }

    /// Sorts: names from A on, figures from the greatest down; or the other way round. What has no figure comes last, and the
    /// equal by their names, so that rows do not change places for nothing.
    pub fn apply(self, rows: &mut [Shown], reversed: bool) {
        rows.sort_by(|one, other| {
            let by_name = || one.row.subject.cmp(&other.row.subject);
            if self == Sort::Name {
                return if reversed { by_name().reverse() } else { by_name() };
            }
            let by_figure = match (self.figure(one), self.figure(other)) {
                (Some(one), Some(other)) if reversed => one.total_cmp(&other),
                (Some(one), Some(other)) => other.total_cmp(&one),
                (one, other) => one.is_none().cmp(&other.is_none()),
            };
            by_figure.then_with(by_name)
        });
    }

    fn figure(self, shown: &Shown) -> Option<f64> {
        let figures = &shown.row.figures;
        match self {
            Sort::Name => None,
            Sort::Rate => Some(figures.requests as f64),
            Sort::Errors => Some(figures.errors as f64),
            Sort::Share => shown.share(),
            Sort::P50 => shown.quantiles[0].map(|value| value as f64),
            Sort::P95 => shown.quantiles[1].map(|value| value as f64),
            Sort::P99 => shown.quantiles[2].map(|value| value as f64),
            Sort::Bytes => Some(figures.request_bytes as f64 + figures.response_bytes as f64),
        }
    }
}

/// The parts of all requests whose durations are shown.
pub const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// A row with what is worked out of it once.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The row.
    pub row: Row,
    /// Durations at [`QUANTILES`], in nanoseconds.
    pub quantiles: [Option<u64>; 3],
}

impl From<Row> for Shown {
    fn from(row: Row) -> Self {
        let quantiles = QUANTILES.map(|part| row.figures.quantile(part));
        Shown { row, quantiles }
    }
}

impl Shown {
    /// The part of the requests that failed, if there were any.
    fn share(&self) -> Option<f64> {
        let figures = &self.row.figures;
        (figures.requests > 0).then(|| figures.errors as f64 / figures.requests as f64)
    }

    /// All that names it, for filters.
    pub fn text(&self) -> String {
        let subject = &self.row.subject;
        let words = [&subject.client, &subject.server, &subject.protocol, &subject.name];
        let words: Vec<&str> =
            words.into_iter().map(|word| word.as_str()).filter(|w| !w.is_empty()).collect();
        words.join(" ")
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Which side saw it.
    Side,
    /// The service of an operation.
    Service,
    /// The protocol of an operation.
    Protocol,
    /// Who or what it is.
    Name,
    /// What can be sorted by.
    By(Sort),
    /// Bytes of requests.
    In,
    /// Bytes of responses.
    Out,
    /// Requests since the start.
    Total,
}

/// A column and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The column.
    pub column: Column,
    /// Its width.
    pub width: usize,
}

/// The narrowest name that tells something.
const LEAST_NAME: usize = 16;
const FIGURE: usize = 6;

/// Between columns.
pub fn gap(width: usize) -> usize {
    if width < 100 { 1 } else { 2 }
}

/// The columns for so many columns of a terminal. Name, rate and errors are never left out; the rest comes as there is room, what
/// tells most first. Without `service` the rows are those of one service.
pub fn fitting(view: View, service: bool, width: usize) -> Vec<Cell> {
    let from = |least: usize| width >= least;
    let mut figures = vec![(Column::By(Sort::Rate), FIGURE)];
    let mut add = |is_there: bool, column: Column, width: usize| {
        if is_there {
            figures.push((column, width));
        }
    };
    add(from(64), Column::By(Sort::Errors), FIGURE);
    add(true, Column::By(Sort::Share), 5);
    add(from(48), Column::By(Sort::P50), FIGURE);
    add(from(72), Column::By(Sort::P95), FIGURE);
    add(from(56), Column::By(Sort::P99), FIGURE);
    // Where names are of two parts they need the room more.
    let wide = if view == View::Operations && service { 140 } else { 100 };
    add(width >= 80 && !from(wide + 20), Column::By(Sort::Bytes), "BYTES/s".len());
    add(from(wide + 20), Column::In, FIGURE);
    add(from(wide + 20), Column::Out, FIGURE);
    add(from(wide), Column::Total, "9,999,999".len());
    let gap = gap(width);
    let taken: usize = figures.iter().map(|(_, width)| width + gap).sum();
    let side = usize::from(from(40));
    let mut room = width.saturating_sub(taken + side * (1 + gap)).max(LEAST_NAME);
    let mut cells = Vec::new();
    let mut put = |column: Column, width: usize| cells.push(Cell { column, width });
    if side > 0 {
        put(Column::Side, 1);
    }
    if view == View::Operations {
        let service_width = (room * 2 / 5).min(24);
        if service && from(64) {
            put(Column::Service, service_width);
            room -= service_width + gap;
        }
        if from(wide) {
            put(Column::Protocol, "postgresql".len());
            room = room.saturating_sub("postgresql".len() + gap);
        }
    }
    put(Column::Name, room);
    figures.into_iter().for_each(|(column, width)| put(column, width));
    cells
}

impl Column {
    /// What stands above it.
    pub fn title(self, view: View) -> &'static str {
        match self {
            Column::Side => "",
            Column::Service => "SERVICE",
            Column::Protocol => "PROTO",
            Column::Name | Column::By(Sort::Name) => match view {
                View::Services => "SERVICE",
                View::Operations => "OPERATION",
                View::Edges => "CLIENT → SERVER",
            },
            Column::By(Sort::Rate) => "RATE/s",
            Column::By(Sort::Errors) => "ERR/s",
            Column::By(Sort::Share) => "ERR%",
            Column::By(Sort::P50) => "P50",
            Column::By(Sort::P95) => "P95",
            Column::By(Sort::P99) => "P99",
            Column::By(Sort::Bytes) => "BYTES/s",
            Column::In => "IN/s",
            Column::Out => "OUT/s",
            Column::Total => "TOTAL",
        }
    }

    /// True where it is what rows are sorted by.
    pub fn is(self, sort: Sort) -> bool {
        self == Column::By(sort) || (self == Column::Name && sort == Sort::Name)
    }

    /// Figures stand at the right of their columns.
    pub fn is_figure(self) -> bool {
        !matches!(self, Column::Side | Column::Service | Column::Protocol | Column::Name)
    }

    /// Colour says what to look at: what fails.
    pub fn style(self, shown: &Shown) -> Style {
        let figures = &shown.row.figures;
        match self {
            Column::By(Sort::Errors | Sort::Share) if figures.errors > 0 => AnsiColor::Red.on_default(),
            _ if figures.requests == 0 => Style::new().dimmed(),
            _ => Style::new(),
        }
    }

    /// What stands in it: clean text, of no more than `columns` where it is a name. Rates are by `covered` nanoseconds.
    pub fn text(self, shown: &Shown, covered: u64, columns: usize) -> String {
        let (row, figures) = (&shown.row, &shown.row.figures);
        let a_second = |count: u64| count as f64 * 1e9 / covered as f64;
        let size =
            |bytes: u64| if bytes == 0 { "0".to_owned() } else { Size(a_second(bytes) as u64).to_string() };
        let duration =
            |place: usize| shown.quantiles[place].map_or("-".to_owned(), |value| Duration(value).to_string());
        match self {
            Column::Side => cells::side(row.side, false).to_owned(),
            Column::Service => elided(&row.subject.server, columns),
            Column::Protocol => elided(&row.subject.protocol, columns),
            Column::Name | Column::By(Sort::Name) => name(row, columns),
            Column::By(Sort::Rate) => rate(a_second(figures.requests)),
            Column::By(Sort::Errors) => rate(a_second(figures.errors)),
            Column::By(Sort::Share) => shown.share().map_or("-".to_owned(), percent),
            Column::By(Sort::P50) => duration(0),
            Column::By(Sort::P95) => duration(1),
            Column::By(Sort::P99) => duration(2),
            Column::By(Sort::Bytes) => size(figures.request_bytes.saturating_add(figures.response_bytes)),
            Column::In => size(figures.request_bytes),
            Column::Out => size(figures.response_bytes),
            Column::Total if row.total >= 10_000_000 => rate(row.total as f64),
            Column::Total => crate::units::Count(row.total).to_string(),
        }
    }
}

/// Who or what a row is of. An end that needs less than half leaves the rest to the other.
fn name(row: &Row, columns: usize) -> String {
    const ARROW: &str = " → ";
    let subject = &row.subject;
    if !subject.client.is_empty() {
        let (client, server) = (clean(&subject.client), clean(&subject.server));
        let room = columns.saturating_sub(width(ARROW));
        let mut out = String::new();
        let taken = push_elided(&client, room.saturating_sub(width(&server)).max(room / 2), &mut out);
        out.push_str(ARROW);
        push_elided(&server, room.saturating_sub(taken), &mut out);
        return out;
    }
    elided(if subject.name.is_empty() { &subject.server } else { &subject.name }, columns)
}

fn elided(text: &str, columns: usize) -> String {
    let mut out = String::new();
    push_elided(&clean(text), columns, &mut out);
    out
}

fn clean(text: &str) -> String {
    let mut out = String::new();
    push_clean(text, &mut out);
    out
}

/// `0`, `<0.1`, `4.2`, `999`, `9,999`, `12.3k`, `123k`, `1.2M`: six columns at most.
fn rate(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        ..0.05 => "<0.1".to_owned(),
        ..9.95 => format!("{rate:.1}"),
        ..9_999.5 => crate::units::Count(rate.round() as u64).to_string(),
        ..99_950.0 => format!("{:.1}k", rate / 1e3),
        ..999_500.0 => format!("{:.0}k", rate / 1e3),
        ..99.95e6 => format!("{:.1}M", rate / 1e6),
        _ => format!("{:.0}M", rate / 1e6),
    }
}

/// `0`, `<0.1`, `12.5`, `100`: what is not all is not shown as all, nor as nothing.
fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0".to_owned(),
        ..0.05 => "<0.1".to_owned(),
        all if all >= 100.0 => "100".to_owned(),
        most if most >= 99.95 => "99.9".to_owned(),
        some => format!("{some:.1}"),
    }
}

/// Compares names as filters do: without regard to case, with `*` and `?` if there are any.
pub fn fits(shown: &Shown, filter: &str) -> bool {
    let (text, filter) = (shown.text().to_lowercase(), filter.to_lowercase());
    match crate::who::is_glob(&filter) {
        true => wildmatch::WildMatch::new(&format!("*{filter}*")).matches(&text),
        false => text.contains(&filter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_shares_fit_and_do_not_round_to_what_they_are_not() {
        let rates = [
            (0.0, "0"),
            (0.003, "<0.1"),
            (0.05, "0.1"),
            (9.94, "9.9"),
            (9.96, "10"),
            (999.6, "1,000"),
            (9_999.4, "9,999"),
            (9_999.9, "10.0k"),
            (223_916.0, "224k"),
            (999_700.0, "1.0M"),
            (1e12, "1000000M"),
        ];
        for (value, expected) in rates {
            assert_eq!(rate(value), expected);
            assert!(value > 1e9 || expected.len() <= FIGURE, "{expected}");
        }
        let shares = [(0.0, "0"), (0.0001, "<0.1"), (0.125, "12.5"), (0.9999, "99.9"), (1.0, "100")];
        for (share, expected) in shares {
            assert_eq!(percent(share), expected);
        }
    }

    #[test]
    fn columns_fill_every_width_and_no_more() {
        for view in View::ALL {
            for service in [false, true] {
                for width in 40..300 {
                    let cells = fitting(view, service, width);
                    let taken: usize = cells.iter().map(|cell| cell.width).sum();
                    assert_eq!(taken + gap(width) * (cells.len() - 1), width, "{view:?} {service} {width}");
                    let name = cells.iter().find(|cell| cell.column == Column::Name).expect("a name");
                    assert!(name.width >= 8, "{view:?} {service} {width}: {name:?}");
                    assert!(cells.iter().any(|cell| cell.column == Column::By(Sort::Rate)));
                }
            }
        }
    }

    #[test]
    fn every_column_can_be_reached_in_turn() {
        let mut sort = Sort::default();
        for _ in 0..Sort::ALL.len() {
            sort = sort.further(1);
        }
        assert_eq!(
            (sort, Sort::Name.further(-1), Sort::Bytes.further(1)),
            (Sort::Rate, Sort::Bytes, Sort::Name)
        );
    }
}
