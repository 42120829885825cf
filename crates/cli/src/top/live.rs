//! The terminal that `weir top` is drawn on. It is drawn on a thread of its own, so that a slow terminal does not hold up the
//! capture.

use std::io::{self, IsTerminal as _, Stdout, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{self, Event};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui_core::terminal::Terminal;
use ratatui_crossterm::CrosstermBackend;

use super::model::{Model, Outcome};
use super::screen::draw;
use super::shared::Shared;
use crate::stop::Stop;

/// How often it is looked whether it is time to end.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the thread that draws may take to end.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Keys that came by then are dealt with before the next drawing.
const MOST_KEYS: usize = 64;

/// How it is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) color: bool,
    pub(super) interval: Duration,
}

/// True while the terminal is not as it was found.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, given back when dropped.
struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    fn take() -> io::Result<Screen> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::Relaxed);
        // From here on it is given back, also when the rest fails.
        let begun = execute!(stdout(), EnterAlternateScreen, Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        begun.map(Screen).inspect_err(|_| give_back())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Makes the terminal what it was before, once.
fn give_back() {
    if TAKEN.swap(false, Ordering::Relaxed) {
        // There is nowhere to complain.
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Has a panic, on whatever thread, said on a terminal that can be read.
fn give_back_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        give_back();
        before(info);
    }));
}

/// Sets the flag when dropped: also after a panic, for nobody would see what goes on.
struct SetAtEnd(Stop);

impl Drop for SetAtEnd {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The thread that draws. It sets `stop` when the user ends it, or the terminal is gone.
pub(super) struct Live {
    thread: JoinHandle<io::Result<()>>,
}

impl Live {
    pub(super) fn start(model: Model, shared: Arc<Shared>, style: Style, stop: Stop) -> io::Result<Live> {
        give_back_on_panic();
        let screen = Screen::take()?;
        let thread = std::thread::spawn(move || {
            let _end = SetAtEnd(stop.clone());
            run(screen, model, &shared, style, &stop)
        });
        Ok(Live { thread })
    }

    /// Waits for its end: the terminal is given back then. A thread that is stuck with a terminal which is gone is left.
    pub(super) fn finish(self) -> io::Result<()> {
        let began = Instant::now();
        while !self.thread.is_finished() {
            if began.elapsed() > LAST_WAIT {
                give_back();
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that draws failed")))
    }
}

fn run(mut screen: Screen, mut model: Model, shared: &Shared, style: Style, stop: &Stop) -> io::Result<()> {
    while !stop.is_set() {
        model.refresh(shared);
        paint(&mut screen, &mut model, shared, style)?;
        let due = Instant::now() + style.interval;
        while !stop.is_set() && Instant::now() < due {
            await_terminal(due.saturating_duration_since(Instant::now()).min(PATIENCE))?;
            if !event::poll(Duration::ZERO)? {
                continue;
            }
            match keys(&mut screen, &mut model, shared)? {
                Outcome::Quit => return Ok(()),
                Outcome::Show => paint(&mut screen, &mut model, shared, style)?,
                Outcome::Nothing => {}
            }
        }
    }
    Ok(())
}

/// Waits until there may be something to read. A terminal that is gone is an error: crossterm would read its end for ever.
fn await_terminal(patience: Duration) -> io::Result<()> {
    let watch = |fd, events| libc::pollfd { fd, events, revents: 0 };
    // Keys come from the standard input only if that is a terminal; poll(2) leaves out negative numbers.
    let keys = if stdin().is_terminal() { libc::STDIN_FILENO } else { -1 };
    let mut watched = [watch(libc::STDOUT_FILENO, 0), watch(keys, libc::POLLIN)];
    // SAFETY: the array is there for as long as the call, and as long as is said.
    unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as libc::nfds_t, patience.as_millis() as i32) };
    let gone = libc::POLLHUP | libc::POLLERR | libc::POLLNVAL;
    if watched.iter().any(|watched| watched.revents & gone != 0) {
        return Err(io::Error::other("the terminal is gone"));
    }
    Ok(())
}

/// Deals with what waits to be read, some of it at a time.
fn keys(screen: &mut Screen, model: &mut Model, shared: &Shared) -> io::Result<Outcome> {
    let mut outcome = Outcome::Nothing;
    for _ in 0..MOST_KEYS {
        match event::read()? {
            Event::Key(key) => match model.key(key, shared) {
                Outcome::Quit => return Ok(Outcome::Quit),
                Outcome::Show => {
                    if key.code == event::KeyCode::Char('l') {
                        // What others wrote over it is drawn anew.
                        screen.0.clear()?;
                    }
                    outcome = Outcome::Show;
                }
                Outcome::Nothing => {}
            },
            Event::Resize(..) => outcome = Outcome::Show,
            _ => {}
        }
        if !event::poll(Duration::ZERO)? {
            break;
        }
    }
    Ok(outcome)
}

fn paint(screen: &mut Screen, model: &mut Model, shared: &Shared, style: Style) -> io::Result<()> {
    if !TAKEN.load(Ordering::Relaxed) {
        // Another thread failed, and what it says is on the terminal.
        return Ok(());
    }
    let health = shared.health();
    screen.0.draw(|frame| draw(model, &health, style.color, frame.buffer_mut()))?;
    Ok(())
}
