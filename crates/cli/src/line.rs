//! A line of a table: cells of given widths.

use anstyle::Style;

use crate::text;

/// A line as it is put together.
pub(crate) struct Line<'a> {
    out: &'a mut String,
    scratch: String,
    color: bool,
    /// Between two cells.
    gap: usize,
    /// Blanks owed before the next cell; the last cell of a line is followed by none.
    skip: usize,
}

impl<'a> Line<'a> {
    /// `scratch` is lent for its memory.
    pub(crate) fn new(out: &'a mut String, scratch: String, color: bool, gap: usize) -> Self {
        Line { out, scratch, color, gap, skip: 0 }
    }

    /// Gives `scratch` back.
    pub(crate) fn finish(self) -> String {
        self.scratch
    }

    /// Appends what `fill` writes, cut and padded to `width` columns; nothing where there are none. `fill` writes clean
    /// text.
    pub(crate) fn cell(&mut self, width: usize, right: bool, style: Style, fill: impl FnOnce(&mut String)) {
        if width == 0 {
            return;
        }
        self.scratch.clear();
        fill(&mut self.scratch);
        let taken = text::width(&self.scratch).min(width);
        let blanks = if right { width - taken } else { 0 };
        self.out.extend(std::iter::repeat_n(' ', self.skip + blanks));
        let styled = self.color && style != Style::new() && !self.scratch.is_empty();
        if styled {
            self.out.push_str(&style.render().to_string());
        }
        let taken = text::push_cut(&self.scratch, width, self.out);
        if styled {
            self.out.push_str(&style.render_reset().to_string());
        }
        self.skip = self.gap + width.saturating_sub(taken + blanks);
    }
}
