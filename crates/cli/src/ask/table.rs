//! Tables of texts that fit the terminal.

use crate::text::{push_elided, width};

/// What there is between columns.
const GAP: usize = 2;
/// No column becomes narrower than this.
const NARROWEST: usize = 8;

/// A table.
pub(super) struct Table {
    heads: Vec<&'static str>,
    /// Which columns are figures, and stand at the right.
    figures: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these columns; a `>` in front of a head says that they are figures.
    pub(super) fn new(heads: &[&'static str]) -> Self {
        let figures = heads.iter().map(|head| head.starts_with('>')).collect();
        Table {
            heads: heads.iter().map(|head| head.trim_start_matches('>')).collect(),
            figures,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// As lines of `columns` at most. Texts that are too long are cut, the longest first; columns without any value are left out.
    pub(super) fn lines(&self, columns: usize) -> String {
        let used: Vec<usize> = (0..self.heads.len())
            .filter(|place| {
                self.rows.is_empty()
                    || self.rows.iter().any(|row| row.get(*place).is_some_and(|cell| !cell.is_empty()))
            })
            .collect();
        let widest = |place: &usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(*place)).map(|cell| width(cell));
            cells.max().unwrap_or(0).max(width(self.heads[*place]))
        };
        let mut widths: Vec<usize> = used.iter().map(widest).collect();
        let gaps = GAP * used.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > columns {
            let longest = (0..used.len()).filter(|at| !self.figures[used[*at]]).max_by_key(|at| widths[*at]);
            match longest.filter(|at| widths[*at] > NARROWEST) {
                Some(at) => widths[at] -= 1,
                None => break,
            }
        }
        let heads: Vec<String> = self.heads.iter().map(|head| (*head).to_owned()).collect();
        let mut out = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for (at, place) in used.iter().enumerate() {
                let cell = row.get(*place).map_or("", String::as_str);
                let mut text = String::new();
                let taken = push_elided(cell, widths[at], &mut text);
                let rest = widths[at].saturating_sub(taken);
                let (before, behind) = if self.figures[*place] { (rest, 0) } else { (0, rest) };
                line.extend(std::iter::repeat_n(' ', before));
                line.push_str(&text);
                line.extend(std::iter::repeat_n(' ', behind + GAP));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// Shows it, as wide as the terminal, or whole where there is none. Whoever reads no further has seen enough.
    pub(super) fn show(&self) -> anyhow::Result<()> {
        let columns =
            crossterm::terminal::size().ok().filter(|_| std::io::IsTerminal::is_terminal(&std::io::stdout()));
        print(&self.lines(columns.map_or(usize::MAX, |(columns, _)| usize::from(columns))))
    }
}

/// Writes to standard output.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_and_leaves_out_what_is_empty() {
        let mut table = Table::new(&["NAME", ">RATE", "NOTHING", "WHAT"]);
        table.row([
            "shop".into(),
            "310 /s".into(),
            String::new(),
            "GET /a/rather/long/path/that/goes/on".into(),
        ]);
        table.row(["a".into(), "1 /s".into(), String::new(), "x".into()]);
        let text = table.lines(40);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "NAME    RATE  WHAT");
        assert_eq!(lines[2], "a       1 /s  x");
        assert!(lines[1].starts_with("shop  310 /s  GET /a/") && width(lines[1]) <= 40, "{text}");
        assert_eq!(Table::new(&["NAME"]).lines(80), "NAME\n");
    }
}
