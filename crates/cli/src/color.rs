//! Whether output is coloured.

use std::ffi::OsStr;

/// What `--color` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// True when output is to be coloured; `terminal` tells whether it goes to one, and `no_color` is the
    /// variable `NO_COLOR`, which counts when it is not empty (no-color.org).
    pub fn enabled(self, terminal: bool, no_color: Option<&OsStr>) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && no_color.is_none_or(OsStr::is_empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_beats_the_variable_beats_the_terminal() {
        let set = Some(OsStr::new("1"));
        let cases = [
            (Color::Auto, true, None, true),
            (Color::Auto, true, Some(OsStr::new("")), true),
            (Color::Auto, true, set, false),
            (Color::Auto, false, None, false),
            (Color::Always, false, set, true),
            (Color::Never, true, None, false),
        ];
        for (color, terminal, no_color, expected) in cases {
            assert_eq!(color.enabled(terminal, no_color), expected, "{color:?} {terminal} {no_color:?}");
        }
    }
}
