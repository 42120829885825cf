//! Ctrl-C and the like: a flag that loops look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// A signal that follows another within this time is the same wish: some tools send it to the process and to its group.
const SAME_WISH: Duration = Duration::from_millis(300);

/// Set when the program is to end. Another signal, a moment later, ends it at once.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    set: Arc<AtomicBool>,
    noticed: AtomicBool,
    /// From now on a signal ends the program at once.
    impatient: Arc<AtomicBool>,
}

impl Stop {
    /// Sets the flag on SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// # Errors
    ///
    /// When a handler cannot be set.
    pub fn on_signals() -> std::io::Result<Stop> {
        Stop::on(&[SIGINT, SIGTERM, SIGHUP])
    }

    /// The same for what stays when its terminal goes; SIGHUP sets the other flag.
    ///
    /// # Errors
    ///
    /// When a handler cannot be set.
    pub fn but_not_hangup() -> std::io::Result<(Stop, Arc<AtomicBool>)> {
        let hangup = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGHUP, hangup.clone())?;
        Ok((Stop::on(&[SIGINT, SIGTERM])?, hangup))
    }

    fn on(signals: &[libc::c_int]) -> std::io::Result<Stop> {
        let flags = Flags::default();
        for &signal in signals {
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, flags.impatient.clone())?;
            signal_hook::flag::register(signal, flags.set.clone())?;
        }
        Ok(Stop(Arc::new(flags)))
    }

    /// Is it time to end?
    pub fn is_set(&self) -> bool {
        let set = self.0.set.load(Ordering::Relaxed);
        if set && !self.0.noticed.swap(true, Ordering::Relaxed) {
            let impatient = self.0.impatient.clone();
            std::thread::spawn(move || {
                std::thread::sleep(SAME_WISH);
                impatient.store(true, Ordering::Relaxed);
            });
        }
        set
    }

    /// It is.
    pub fn set(&self) {
        self.0.set.store(true, Ordering::Relaxed);
    }
}
