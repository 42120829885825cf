//! Text from the network, made fit for a terminal.

use unicode_width::UnicodeWidthChar;

/// Appends `text` without anything that a terminal would obey: control characters become their pictures
/// (`␛`), what reorders or hides text becomes `�`.
pub fn push_clean(text: &str, out: &mut String) {
    out.extend(text.chars().map(clean));
}

/// Appends `text` as [`push_clean`] does, on one line: white space becomes one blank. Of a text that takes more than
/// `columns` no more is appended than shows so, which spares the rest of a long one.
pub fn push_line(text: &str, columns: usize, out: &mut String) {
    let mut taken = 0;
    for word in text.split_whitespace() {
        if taken > 0 {
            out.push(' ');
            taken += 1;
        }
        for char in word.chars().map(clean) {
            if taken > columns {
                return;
            }
            out.push(char);
            taken += char.width().unwrap_or(0);
        }
    }
}

/// How many columns `text` takes: the sum of its characters', as most terminals count.
pub fn width(text: &str) -> usize {
    text.chars().map(|char| char.width().unwrap_or(0)).sum()
}

/// Appends `text`, cut in the middle where it is wider than `columns`: both its ends tell something. Takes
/// at most `columns`, and gives back how many were taken.
pub fn push_elided(text: &str, columns: usize, out: &mut String) -> usize {
    let whole = width(text);
    if whole <= columns {
        out.push_str(text);
        return whole;
    }
    if columns == 0 {
        return 0;
    }
    let tail = (columns - 1) / 2;
    let (head_end, head) = fitting(text.char_indices(), columns - 1 - tail);
    let head_end = head_end.map_or(0, |(at, char)| at + char.len_utf8());
    let (tail_start, tail) = fitting(text.char_indices().rev(), tail);
    let tail_start = tail_start.map_or(text.len(), |(at, _)| at);
    out.push_str(&text[..head_end]);
    out.push('…');
    out.push_str(&text[tail_start..]);
    head + 1 + tail
}

/// Appends `text`, cut at its end where it is wider than `columns`: it is read from its beginning. Takes at most
/// `columns`, and gives back how many were taken.
pub fn push_cut(text: &str, columns: usize, out: &mut String) -> usize {
    let from = out.len();
    out.push_str(text);
    cut(out, from, columns)
}

/// Cuts what stands in `out` behind `from` as [`push_cut`] does.
pub fn cut(out: &mut String, from: usize, columns: usize) -> usize {
    let text = out.get(from..).unwrap_or_default();
    let whole = width(text);
    if whole <= columns {
        return whole;
    }
    if columns == 0 {
        out.truncate(from);
        return 0;
    }
    let (end, _) = fitting(text.char_indices(), columns - 1);
    // A blank before the sign of a cut says nothing.
    let head = text.get(..end.map_or(0, |(at, char)| at + char.len_utf8())).unwrap_or_default().trim_end();
    let (length, taken) = (head.len(), width(head));
    out.truncate(from + length);
    out.push('…');
    taken + 1
}

/// The last of the characters that fit in `columns`, and how many columns they take.
fn fitting(chars: impl Iterator<Item = (usize, char)>, columns: usize) -> (Option<(usize, char)>, usize) {
    let mut taken = 0;
    let mut last = None;
    for (at, char) in chars {
        let wide = char.width().unwrap_or(0);
        if taken + wide > columns {
            break;
        }
        taken += wide;
        last = Some((at, char));
    }
    (last, taken)
}

fn clean(char: char) -> char {
    match char {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(char)).unwrap_or('�'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' => '�',
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => '�',
        // What comes before these is wide in some terminals and narrow in others.
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => '�',
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => '�',
        _ => char,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let cases = [
            ("GET /users", "GET /users"),
            ("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m"),
            ("a\nb\tc\0", "a␊b␉c␀"),
            ("\u{9b}2J\u{7f}", "�2J␡"),
            ("\u{202e}gpj.exe", "�gpj.exe"),
            ("日本 é 😀", "日本 é 😀"),
            ("☂\u{fe0f}", "☂�"),
        ];
        for (text, expected) in cases {
            let mut out = String::new();
            push_clean(text, &mut out);
            assert_eq!(out, expected);
        }
        let mut out = String::new();
        push_clean(&('\0'..=char::MAX).collect::<String>(), &mut out);
        assert!(!out.contains(char::is_control));
    }

    #[test]
    fn long_text_is_cut_in_the_middle() {
        let cases = [
            ("short", 5, "short"),
            ("GET /api/v1/users/7/orders", 16, "GET /api…/orders"),
            ("GET /api/v1/users/7/orders", 2, "G…"),
            ("GET /api/v1/users/7/orders", 1, "…"),
            ("GET", 0, ""),
            ("日本語日本語", 7, "日…語"),
            ("日本語日本語", 6, "日…語"),
        ];
        for (text, columns, expected) in cases {
            let mut out = String::new();
            let taken = push_elided(text, columns, &mut out);
            assert_eq!((out.as_str(), taken), (expected, width(expected)), "{text} in {columns}");
            assert!(taken <= columns);
        }
    }
    #[test]
    fn long_text_is_cut_at_its_end() {
        let cases = [
            ("short", 5, "short"),
            ("SELECT id FROM users", 10, "SELECT id…"),
            ("SELECT id FROM users", 8, "SELECT…"),
            ("SELECT id FROM users", 1, "…"),
            ("SELECT", 0, ""),
            ("日本語日本語", 7, "日本語…"),
            ("日本語日本語", 6, "日本…"),
        ];
        for (text, columns, expected) in cases {
            let mut out = String::new();
            let taken = push_cut(text, columns, &mut out);
            assert_eq!((out.as_str(), taken), (expected, width(expected)), "{text} in {columns}");
            assert!(taken <= columns);
        }
    }

    #[test]
    fn a_text_of_several_lines_becomes_one() {
        let cases = [
            ("  SELECT id,\r\n\t name\nFROM users ", 80, "SELECT id, name FROM users"),
            ("a\u{1b}[2J b", 80, "a␛[2J b"),
            ("SELECT id FROM users", 6, "SELECT "),
            ("", 10, ""),
        ];
        for (text, columns, expected) in cases {
            let mut out = String::new();
            push_line(text, columns, &mut out);
            assert_eq!(out, expected, "{text:?} in {columns}");
        }
        let mut out = String::new();
        push_line(&"long".repeat(100_000), 10, &mut out);
        assert_eq!(out.len(), 11, "no more than shows that it is too long");
    }
}
