//! Whether output is coloured.

use std::ffi::OsStr;

/// What `--color` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless it is a dumb one or `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// True when output is to be coloured; `terminal` tells whether it goes to one, `term` is the variable `TERM`, and
    /// `no_color` is `NO_COLOR`, which counts when it is not empty (no-color.org).
    pub fn enabled(self, terminal: bool, term: Option<&OsStr>, no_color: Option<&OsStr>) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal && term.is_none_or(|term| term != "dumb") && no_color.is_none_or(OsStr::is_empty)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_beats_the_variable_beats_the_terminal() {
        let set = Some(OsStr::new("1"));
        let (xterm, dumb) = (Some(OsStr::new("xterm-256color")), Some(OsStr::new("dumb")));
        let cases = [
            (Color::Auto, true, xterm, None, true),
            (Color::Auto, true, None, None, true),
            (Color::Auto, true, xterm, Some(OsStr::new("")), true),
            (Color::Auto, true, xterm, set, false),
            (Color::Auto, true, dumb, None, false),
            (Color::Auto, false, xterm, None, false),
            (Color::Always, false, dumb, set, true),
            (Color::Never, true, xterm, None, false),
        ];
        for (color, terminal, term, no_color, expected) in cases {
            let found = color.enabled(terminal, term, no_color);
            assert_eq!(found, expected, "{color:?} {terminal} {term:?} {no_color:?}");
        }
    }
}
