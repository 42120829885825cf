//! What is said besides requests. Nobody may be there to hear it any more, and that is no failure.

use std::fmt::Display;
use std::io::{self, Write};

/// Says a line, or several, on standard error.
pub fn say(text: impl Display) {
    // There is nowhere left to complain.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Writes an answer to standard output.
///
/// # Errors
///
/// When it cannot be written for another reason than that nobody reads.
pub fn answer(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
