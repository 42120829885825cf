//! What `weir top` shows, and what keys make of it. Neither a terminal nor a clock is in here.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use model::Text;
use signals::recent::{Row, Subject, View, Window};

use super::columns::{Shown, Sort, fits};

/// Rows as they were at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The rows, in no order.
    pub rows: Vec<Row>,
    /// For how long they were counted: nanoseconds, at least one.
    pub covered: u64,
}

/// Where rows come from.
pub trait Source {
    /// What there is now.
    fn look(&self, view: View, window: Window) -> Snapshot;
}

/// What a key leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Show it as it is now.
    Show,
    /// The key means nothing here.
    Nothing,
    /// It is to end.
    Quit,
}

/// The longest filter; no name is longer.
const LONGEST_FILTER: usize = 200;

/// Where Esc leads back to.
#[derive(Debug)]
struct Place {
    view: View,
    filter: String,
    selected: Option<Subject>,
}

/// What is shown.
#[derive(Debug, Default)]
pub struct Model {
    /// What rows are.
    pub view: View,
    /// Of which time.
    pub window: Window,
    /// Their order.
    pub sort: Sort,
    /// The other way round.
    pub reversed: bool,
    /// The help is shown instead of the rows.
    pub help: bool,
    filter: String,
    /// The filter is being typed; and what it was before.
    editing: Option<String>,
    /// Only operations of this service.
    service: Option<Text>,
    back: Option<Place>,
    /// The row that was chosen; none as long as the first is, whichever that is.
    selected: Option<Subject>,
    cursor: usize,
    top: usize,
    /// Lines for rows on the screen.
    height: usize,
    /// All there was when it was paused.
    frozen: Option<Vec<((View, Window), Snapshot)>>,
    rows: Vec<Shown>,
    /// Rows that the filter leaves out.
    left_out: usize,
    covered: u64,
}

impl Model {
    /// Begins with a view and an order.
    pub fn new(view: View, window: Window, sort: Sort) -> Model {
        Model { view, window, sort, covered: 1, ..Model::default() }
    }

    /// Looks again.
    pub fn refresh(&mut self, source: &impl Source) {
        let wanted = (self.view, self.window);
        let frozen = self.frozen.iter().flatten().find(|(of, _)| *of == wanted);
        let snapshot = frozen.map_or_else(|| source.look(self.view, self.window), |(_, found)| found.clone());
        self.covered = snapshot.covered.max(1);
        let service = self.service.as_ref();
        let mut rows: Vec<Shown> = snapshot
            .rows
            .into_iter()
            .filter(|row| service.is_none_or(|service| row.subject.server == *service))
            .map(Shown::from)
            .collect();
        let all = rows.len();
        rows.retain(|shown| self.filter.is_empty() || fits(shown, &self.filter));
        self.left_out = all - rows.len();
        self.sort.apply(&mut rows, self.reversed);
        self.rows = rows;
        self.find_selected();
    }

    /// The chosen row keeps being chosen wherever it goes; where it is gone, what is in its place.
    fn find_selected(&mut self) {
        let found = |subject: &Subject| self.rows.iter().position(|shown| shown.row.subject == *subject);
        match &self.selected {
            None => self.cursor = 0,
            Some(subject) => match found(subject) {
                Some(place) => self.cursor = place,
                None => self.choose(self.cursor),
            },
        }
    }

    fn choose(&mut self, place: usize) {
        self.cursor = place.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(self.cursor).map(|shown| shown.row.subject.clone());
    }

    /// The rows for a screen with `height` lines for them, and the place of the chosen one among these.
    pub fn visible(&mut self, height: usize) -> (&[Shown], usize) {
        self.height = height;
        let highest = self.rows.len().saturating_sub(height);
        // There may be no line at all.
        let least = (self.cursor + 1).saturating_sub(height).min(self.cursor);
        let top = self.top.clamp(least, self.cursor);
        self.top = top.min(highest);
        let end = (self.top + height).min(self.rows.len());
        (self.rows.get(self.top..end).unwrap_or_default(), self.cursor - self.top)
    }

    /// All rows.
    pub fn rows(&self) -> &[Shown] {
        &self.rows
    }

    /// For how long the rows were counted: nanoseconds.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// The filter, and whether it is being typed.
    pub fn filter(&self) -> (&str, bool) {
        (&self.filter, self.editing.is_some())
    }

    /// How many rows the filter leaves out.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The service whose operations are shown.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// What is shown stays as it is.
    pub fn is_paused(&self) -> bool {
        self.frozen.is_some()
    }

    /// Does what a key stands for.
    pub fn key(&mut self, key: KeyEvent, source: &impl Source) -> Outcome {
        if key.kind == KeyEventKind::Release {
            return Outcome::Nothing;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && key.code == KeyCode::Char('c') {
            return Outcome::Quit;
        }
        let outcome = match () {
            () if self.editing.is_some() => self.edit(key.code, is_control),
            () if is_control && key.code != KeyCode::Char('l') => Outcome::Nothing,
            () if self.help => self.leave_help(key.code),
            () => self.command(key.code, source),
        };
        if outcome == Outcome::Show {
            self.refresh(source);
        }
        outcome
    }

    fn edit(&mut self, code: KeyCode, is_control: bool) -> Outcome {
        match code {
            KeyCode::Enter => self.editing = None,
            KeyCode::Esc => self.filter = self.editing.take().unwrap_or_default(),
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char('u') if is_control => self.filter.clear(),
            KeyCode::Char(char) if !is_control && self.filter.len() < LONGEST_FILTER => {
                self.filter.push(char)
            }
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => return self.go(code),
            _ => return Outcome::Nothing,
        }
        Outcome::Show
    }

    fn leave_help(&mut self, code: KeyCode) -> Outcome {
        match code {
            KeyCode::Char('q') => return Outcome::Quit,
            _ => self.help = false,
        }
        Outcome::Show
    }

    fn command(&mut self, code: KeyCode, source: &impl Source) -> Outcome {
        match code {
            KeyCode::Char('q') => return Outcome::Quit,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.help = true,
            KeyCode::Char('1') => self.turn_to(View::Services),
            KeyCode::Char('2') => self.turn_to(View::Operations),
            KeyCode::Char('3') => self.turn_to(View::Edges),
            KeyCode::Tab => self.turn_by(1),
            KeyCode::BackTab => self.turn_by(View::ALL.len() - 1),
            KeyCode::Char('s' | '>') | KeyCode::Right => self.sort_by(1),
            KeyCode::Char('S' | '<') | KeyCode::Left => self.sort_by(-1),
            KeyCode::Char('r') => self.reversed = !self.reversed,
            KeyCode::Char('w') => self.window = after(&Window::ALL, self.window, 1),
            KeyCode::Char('/') => self.editing = Some(self.filter.clone()),
            KeyCode::Char(' ' | 'p') => self.pause(source),
            KeyCode::Enter => return self.open(),
            KeyCode::Esc | KeyCode::Backspace => return self.leave(),
            KeyCode::Char('l') => {}
            _ => return self.go(code),
        }
        Outcome::Show
    }

    /// Moves among the rows.
    fn go(&mut self, code: KeyCode) -> Outcome {
        let page = self.height.max(2) - 1;
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.choose(self.cursor.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.choose(self.cursor + 1),
            KeyCode::PageUp => self.choose(self.cursor.saturating_sub(page)),
            KeyCode::PageDown => self.choose(self.cursor + page),
            KeyCode::Home | KeyCode::Char('g') => self.selected = None,
            KeyCode::End | KeyCode::Char('G') => self.choose(usize::MAX),
            _ => return Outcome::Nothing,
        }
        Outcome::Show
    }

    fn turn_to(&mut self, view: View) {
        self.service = None;
        self.back = None;
        if self.view != view {
            (self.view, self.selected, self.top) = (view, None, 0);
        }
    }

    fn turn_by(&mut self, steps: usize) {
        self.turn_to(after(&View::ALL, self.view, steps));
    }

    fn sort_by(&mut self, steps: isize) {
        self.sort = self.sort.further(steps);
        self.reversed = false;
    }

    fn pause(&mut self, source: &impl Source) {
        if self.frozen.take().is_none() {
            let all = View::ALL.into_iter().flat_map(|view| Window::ALL.map(|window| (view, window)));
            self.frozen = Some(all.map(|of| (of, source.look(of.0, of.1))).collect());
        }
    }

    /// The operations of the service that is chosen, or of the edge's.
    fn open(&mut self) -> Outcome {
        let chosen = self.rows.get(self.cursor).map(|shown| shown.row.subject.server.clone());
        let (Some(server), true) = (chosen, self.view != View::Operations) else { return Outcome::Nothing };
        self.choose(self.cursor);
        let filter = std::mem::take(&mut self.filter);
        self.back = Some(Place { view: self.view, filter, selected: self.selected.take() });
        (self.view, self.service, self.top) = (View::Operations, Some(server), 0);
        Outcome::Show
    }

    /// Undoes what narrows the view: a filter first, then a service.
    fn leave(&mut self) -> Outcome {
        if !self.filter.is_empty() {
            self.filter.clear();
        } else if let Some(place) = self.back.take() {
            (self.view, self.filter, self.selected) = (place.view, place.filter, place.selected);
            (self.service, self.top) = (None, 0);
        } else {
            return Outcome::Nothing;
        }
        Outcome::Show
    }
}

fn after<T: PartialEq + Copy>(all: &[T], one: T, steps: usize) -> T {
    let place = all.iter().position(|other| *other == one).unwrap_or(0);
    all[(place + steps) % all.len()]
}
