//! How `weir top` is drawn.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Modifier, Style};
use signals::recent::{View, Window};

use super::columns::{Cell, Shown, Sort, fitting, gap};
use super::model::Model;
use super::shared::Health;
use crate::requests::summary::total;
use crate::text::{push_clean, push_cut, width};
use crate::units::{Count, Duration, Size};

/// Lines that are no rows: above them the views, what is shown, and titles; below them the state of the capture, and keys.
const ABOVE: u16 = 3;
const BELOW: u16 = 2;

/// Draws all of it.
pub fn draw(model: &mut Model, health: &Health, color: bool, buffer: &mut Buffer) {
    let mut canvas = Canvas { buffer, color };
    let (columns, lines) = (canvas.columns(), canvas.buffer.area.height);
    canvas.title(model);
    if model.help {
        canvas.help();
    } else {
        let caption = caption(model);
        canvas.put(0, 1, &caption, columns, Style::new().add_modifier(Modifier::DIM));
        canvas.rows(model, usize::from(lines.saturating_sub(ABOVE + BELOW)));
    }
    if lines > ABOVE + BELOW {
        let alarm = total(&health.lost) > 0 || health.kept.is_some();
        let style = if alarm { anstyle::AnsiColor::Yellow.on_default() } else { anstyle::Style::new() };
        canvas.put(0, lines - 2, &capture(health, columns), columns, style.into());
        let keys = keys(model, columns);
        canvas.put(0, lines - 1, &keys, columns, Style::new().add_modifier(Modifier::DIM));
    }
}

struct Canvas<'a> {
    buffer: &'a mut Buffer,
    color: bool,
}

impl Canvas<'_> {
    fn columns(&self) -> usize {
        usize::from(self.buffer.area.width)
    }

    /// Puts clean text in at most so many columns.
    fn put(&mut self, x: usize, y: u16, text: &str, columns: usize, style: Style) {
        if y >= self.buffer.area.height || x >= self.columns() {
            return;
        }
        let mut cut = String::new();
        push_cut(text, columns.min(self.columns() - x), &mut cut);
        // What is bold or reversed is no colour.
        let style = if self.color { style } else { Style { fg: None, bg: None, ..style } };
        self.buffer.set_stringn(x as u16, y, cut, columns, style);
    }

    fn put_right(&mut self, x: usize, y: u16, text: &str, columns: usize, style: Style) {
        let blanks = columns.saturating_sub(width(text));
        self.put(x + blanks, y, text, columns - blanks, style);
    }

    /// The views, and of which time they are.
    fn title(&mut self, model: &Model) {
        let (mut x, columns) = (0, self.columns());
        for (place, view) in View::ALL.into_iter().enumerate() {
            let name = view.as_str();
            // Also where nothing is bold or reversed one sees which it is.
            let is_it = view == model.view;
            let text =
                if is_it { format!("[{} {name}]", place + 1) } else { format!(" {} {name} ", place + 1) };
            let style = if is_it { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
            self.put(x, 0, &text, columns, style);
            x += width(&text) + 1;
        }
        let mut time = match model.window {
            Window::Total => format!("total of {}", Duration(model.covered())),
            window => format!("last {}", window.as_str()),
        };
        if model.is_paused() {
            time = format!("PAUSED, {time}");
        }
        self.put_right(x, 0, &time, columns.saturating_sub(x), Style::new());
    }

    fn rows(&mut self, model: &mut Model, height: usize) {
        let (view, sort, reversed, covered) = (model.view, model.sort, model.reversed, model.covered());
        let cells = fitting(view, model.service().is_none(), self.columns());
        let gap = gap(self.columns());
        self.titles(&cells, gap, view, (sort, reversed));
        let (rows, chosen) = model.visible(height);
        for (line, shown) in rows.iter().enumerate() {
            let y = ABOVE + line as u16;
            self.row(&cells, gap, y, shown, covered);
            if line == chosen {
                let area = ratatui_core::layout::Rect { y, height: 1, ..self.buffer.area };
                self.buffer.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
            }
        }
        if rows.is_empty() {
            let columns = self.columns();
            self.put(0, ABOVE, nothing(model), columns, Style::new());
        }
    }

    fn titles(&mut self, cells: &[Cell], gap: usize, view: View, (sort, reversed): (Sort, bool)) {
        let mut x = 0;
        for cell in cells {
            let is_it = cell.column.is(sort);
            let mut title = cell.column.title(view).to_owned();
            if is_it {
                // Names rise where figures fall; there is room behind a name, and in front of a figure.
                let falls = (sort == Sort::Name) == reversed;
                let sign = if falls { '▼' } else { '▲' };
                if cell.column.is_figure() { title.insert(0, sign) } else { title.push(sign) }
            }
            let style = Style::new().add_modifier(if is_it { Modifier::BOLD } else { Modifier::DIM });
            if cell.column.is_figure() {
                // The sign may stand in the gap.
                let (x, columns) = (x - gap.min(x), cell.width + gap.min(x));
                self.put_right(x, ABOVE - 1, &title, columns, style);
            } else {
                self.put(x, ABOVE - 1, &title, cell.width, style);
            }
            x += cell.width + gap;
        }
    }

    fn row(&mut self, cells: &[Cell], gap: usize, y: u16, shown: &Shown, covered: u64) {
        let mut x = 0;
        for cell in cells {
            let text = cell.column.text(shown, covered, cell.width);
            let style = cell.column.style(shown).into();
            match cell.column.is_figure() {
                true => self.put_right(x, y, &text, cell.width, style),
                false => self.put(x, y, &text, cell.width, style),
            }
            x += cell.width + gap;
        }
    }

    fn help(&mut self) {
        let columns = self.columns();
        for (line, text) in (1..).zip(HELP.lines()) {
            if line + BELOW >= self.buffer.area.height {
                return;
            }
            self.put(0, line, text, columns, Style::new());
        }
    }
}

const HELP: &str = "
 1 2 3, Tab   services, operations, edges      ↑ ↓ PgUp PgDn  choose a row
 Enter        operations of the service        Home End       first, last
 Esc          clear the filter, then back      /              filter by name
 s S, → ←     sort by the next column,         space          pause
              or the one before                w              10 s, 1 min,
 r            reverse the order                               5 min or total
 q, Ctrl-C    end                              ?              this help

 ←  as the server here saw it: what it answers, without the network.
 →  as the client here saw it; in 1 and 2, where the server is of another host.
 A call between two processes of this host is counted once: services and
 operations as the server saw it, edges as the client did. HTTP's 4xx is an
 error of the client only, so edges may have more errors.
 P50 P95 P99  half, 95 %, 99 % of requests took no longer; within 4.5 % (9.1 %
              where the slowest took a million times as long as the fastest).
              Blocking commands and long polls count, but not here.
 A window has up to a tenth more than its name says; rates are exact for it.";

/// The second line: what the rows are.
fn caption(model: &Model) -> String {
    let mut out = String::new();
    let (filter, editing) = model.filter();
    if editing || !filter.is_empty() {
        out.push_str("filter: ");
        push_clean(filter, &mut out);
        if editing {
            out.push('▏');
        }
        let hidden = model.left_out();
        out.push_str(&format!("  {} of {} shown", model.rows().len(), model.rows().len() + hidden));
        if !editing {
            out.push_str("  (Esc: all)");
        }
        return out;
    }
    if let Some(service) = model.service() {
        out.push_str("operations of ");
        push_clean(service, &mut out);
        out.push_str("  (Esc: back)");
        return out;
    }
    let what = match model.view {
        View::Services => "who answers",
        View::Operations => "what services are asked",
        View::Edges => "who asks whom",
    };
    out.push_str(what);
    out
}

fn nothing(model: &Model) -> &'static str {
    if model.left_out() > 0 { "nothing fits the filter (Esc: all)" } else { "no requests yet" }
}

/// `12,345 records/s  nothing lost  CPU 3.1 %  45 MB`
fn capture(health: &Health, columns: usize) -> String {
    let mut parts = vec![format!("weir: {} records/s", Count(health.records.round() as u64))];
    if let Some(kept) = health.kept {
        parts.push(format!("ONLY {:.1} % OF CONNECTIONS", kept * 100.0));
    }
    parts.push(format!("CPU {:.1} %", health.cpu * 100.0));
    if let Some(resident) = health.resident {
        parts.push(Size(resident).to_string());
    }
    let lost = health.lost.iter().filter(|(_, count)| *count > 0);
    let causes: Vec<String> = lost.map(|(cause, count)| format!("{cause} {}", Count(*count))).collect();
    if causes.is_empty() && health.lost_bytes == 0 {
        parts.push("nothing lost".to_owned());
    }
    match causes.as_slice() {
        [] => {}
        [only] => parts.push(format!("lost: {only}")),
        several => parts.push(format!("{} lost: {}", Count(total(&health.lost)), several.join(", "))),
    }
    if health.lost_bytes > 0 {
        parts.push(format!("{} missing", Size(health.lost_bytes)));
    }
    if health.others > 0 {
        parts.push(format!("{} in rows 'other'", Count(health.others)));
    }
    if health.forgotten > 0 && columns >= 100 {
        parts.push(format!("{} idle rows forgotten", Count(health.forgotten)));
    }
    parts.join("  ")
}

fn keys(model: &Model, columns: usize) -> String {
    if model.filter().1 {
        return "type to filter, * and ? stand for anything  Enter keep  Esc undo".to_owned();
    }
    if model.help {
        return "any key: back  q end".to_owned();
    }
    let mut keys = vec!["? help"];
    if model.view != View::Operations {
        keys.push("Enter operations");
    }
    keys.extend(["/ filter", "s sort", "w window", "space pause", "r reverse", "q end"]);
    while columns < keys.iter().map(|key| width(key) + 2).sum::<usize>() && keys.len() > 2 {
        keys.remove(keys.len() - 2);
    }
    keys.join("  ")
}

/// The same rows as lines of text, as wide as `columns`: for what is no terminal.
pub fn lines(model: &Model, columns: usize) -> String {
    let cells = fitting(model.view, true, columns);
    let gap = gap(columns);
    let mut out = String::new();
    let titles = cells.iter().map(|cell| cell.column.title(model.view).to_owned()).collect();
    line(&cells, gap, titles, &mut out);
    for shown in model.rows() {
        let text = |cell: &Cell| cell.column.text(shown, model.covered(), cell.width);
        line(&cells, gap, cells.iter().map(text).collect(), &mut out);
    }
    out
}

fn line(cells: &[Cell], gap: usize, texts: Vec<String>, out: &mut String) {
    let begin = out.len();
    for (place, (cell, text)) in cells.iter().zip(texts).enumerate() {
        let blanks = cell.width.saturating_sub(width(&text));
        let before = if cell.column.is_figure() { blanks } else { 0 };
        out.extend(std::iter::repeat_n(' ', before + if place > 0 { gap } else { 0 }));
        push_cut(&text, cell.width, out);
        out.extend(std::iter::repeat_n(' ', blanks - before));
    }
    let end = out.trim_end().len().max(begin);
    out.truncate(end);
    out.push('\n');
}
