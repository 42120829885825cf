//! Reads one command: an array of bulk strings, or an inline command. Its arguments are passed over, but for
//! the few that tell what it is.

use model::Text;

use super::commands::{Id, Kind};
use super::inline::{self, Next, Word};
use super::scan::{Number, Read, line, number};
use crate::Settings;
use crate::text::{bounded, decimal};

/// What is kept of a command.
#[derive(Debug, Default)]
pub(super) struct Command {
    pub(super) id: Id,
    /// Arguments behind the name.
    pub(super) arguments: u32,
    /// It asks the server to wait.
    pub(super) waits: bool,
    pub(super) reply: Reply,
    /// The database that SELECT selects.
    pub(super) database: Option<u32>,
    /// The arguments as text, where the user wants them.
    pub(super) values: Option<Text>,
}

/// What CLIENT REPLY says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nothing that a server understands.
    #[default]
    Other,
    On,
    Off,
    Skip,
}

/// Reads commands, one after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    command: Command,
    /// Arguments of the command, its name included; 0 between commands.
    total: u32,
    /// Those read or passed over.
    read: u32,
    /// The options of XREAD are over.
    options_over: bool,
}

/// Arguments longer than this tell nothing.
const LONGEST_TELLING: u64 = 64;
/// Options of XREAD stand among its first arguments.
const LAST_OPTION: u32 = 8;
/// The longest text of arguments.
const LONGEST_VALUES: usize = 256;
/// The longest inline command (`PROTO_INLINE_MAX_SIZE`).
const LONGEST_INLINE: usize = 64 * 1024;

impl Reader {
    /// True between commands.
    pub(super) fn is_idle(&self) -> bool {
        self.total == 0
    }

    /// The command that was whole, or what is known of the one that is not; `None` before its name.
    pub(super) fn take(&mut self) -> Option<Command> {
        let mut reader = std::mem::take(self);
        reader.command.arguments += reader.total - reader.read;
        (reader.read > 0).then_some(reader.command)
    }

    /// What is special about the command that was read.
    pub(super) fn kind(&self) -> Kind {
        self.command.id.kind()
    }

    /// True when what was to be skipped was the last of the command.
    pub(super) fn is_whole(&self) -> bool {
        self.total > 0 && self.read == self.total
    }

    /// Reads from the head of `bytes`.
    #[inline]
    pub(super) fn read(&mut self, bytes: &[u8], settings: Settings) -> Read {
        let mut at = 0;
        if self.total == 0 {
            match bytes[0] {
                b'*' => match number(bytes, 1) {
                    Number::Is(0, next) | Number::Negative(next) => return Read::Nothing(next),
                    Number::Is(total, next) if total <= u64::from(u32::MAX >> 1) => {
                        self.total = total as u32;
                        at = next;
                    }
                    Number::Cut => return Read::NeedMore,
                    _ => return Read::Lost,
                },
                _ => return self.inline(bytes, settings),
            }
        }
        while self.read < self.total {
            let Some(kind) = bytes.get(at) else { return Read::up_to(at) };
            if *kind != b'$' {
                return Read::Lost;
            }
            let (length, body) = match number(bytes, at + 1) {
                Number::Is(length, body) => (length, body),
                Number::Cut => return Read::up_to(at),
                _ => return Read::Lost,
            };
            let there = (bytes.len() - body) as u64;
            if there < length + 2 {
                if self.tells(length, settings) {
                    return Read::up_to(at);
                }
                self.pass(settings);
                return Read::Skip(body, length + 2);
            }
            let end = body + length as usize;
            if bytes[end..end + 2] != *b"\r\n" {
                return Read::Lost;
            }
            if self.tells(length, settings) {
                self.argument(&bytes[body..end], settings);
            } else {
                self.pass(settings);
            }
            at = end + 2;
        }
        Read::Whole(at)
    }

    fn inline(&mut self, bytes: &[u8], settings: Settings) -> Read {
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if blank > 0 {
            return Read::Nothing(blank);
        }
        let whole = line(bytes, 0);
        let text = whole.map_or(bytes, |(line, _)| line);
        // A name that is not known may be anything but a command; one that is cut may become a name.
        let mut word = Word::default();
        match (inline::next(text, 0, &mut word), whole) {
            (Next::Word(behind), _) if whole.is_some() || behind < text.len() => {
                if Id::of(word.bytes()).is_none() {
                    return Read::Lost;
                }
            }
            (Next::End, Some((_, next))) => return Read::Nothing(next),
            (Next::Unbalanced, Some(_)) => return Read::Lost,
            (Next::End, None) if text.len() <= LONGEST_TELLING as usize => {}
            _ if may_become_name(text) => {}
            _ => return Read::Lost,
        }
        let Some((line, next)) = whole else {
            return if bytes.len() > LONGEST_INLINE { Read::Lost } else { Read::NeedMore };
        };
        if memchr::memchr(0, line).is_some() {
            // The server does not see the end of such a line, and never answers.
            return Read::Lost;
        }
        let mut at = 0;
        loop {
            self.total += 1;
            match inline::next(line, at, &mut word) {
                Next::Word(behind) => {
                    at = behind;
                    if self.tells(word.length as u64, settings) {
                        self.argument(word.bytes(), settings);
                    } else {
                        self.pass(settings);
                    }
                }
                Next::End => {
                    self.total -= 1;
                    return Read::Whole(next);
                }
                Next::Unbalanced => {
                    self.pass(settings);
                    return Read::Whole(next);
                }
            }
        }
    }

    /// True when the next argument, of this length, is of use.
    fn tells(&self, length: u64, settings: Settings) -> bool {
        let useful = match self.read {
            0 => true,
            1 if matches!(self.command.id.kind(), Kind::Container | Kind::Select) => true,
            2 if self.command.id.kind() == Kind::ClientReply => true,
            read => self.command.id.kind() == Kind::MayWait && read <= LAST_OPTION && !self.options_over,
        };
        (useful && length <= LONGEST_TELLING) || (settings.keep_values && length <= LONGEST_VALUES as u64)
    }

    fn argument(&mut self, argument: &[u8], settings: Settings) {
        let place = self.read;
        self.read += 1;
        let command = &mut self.command;
        match (place, command.id.kind()) {
            (0, _) => {
                command.id = Id::of(argument).unwrap_or(Id::OTHER);
                command.waits = command.id.kind() == Kind::Waits;
                return;
            }
            (1, Kind::Container) => {
                let container = command.id;
                command.id = container.subcommand(argument);
                if command.id != container {
                    return;
                }
            }
            (1, Kind::Select) => {
                command.database = decimal(argument).and_then(|number| number.try_into().ok())
            }
            (2, Kind::ClientReply) if argument.eq_ignore_ascii_case(b"ON") => command.reply = Reply::On,
            (2, Kind::ClientReply) if argument.eq_ignore_ascii_case(b"OFF") => command.reply = Reply::Off,
            (2, Kind::ClientReply) if argument.eq_ignore_ascii_case(b"SKIP") => command.reply = Reply::Skip,
            (_, Kind::MayWait) if argument.eq_ignore_ascii_case(b"STREAMS") => self.options_over = true,
            (_, Kind::MayWait) if !self.options_over => {
                command.waits |= argument.eq_ignore_ascii_case(b"BLOCK");
            }
            _ => {}
        }
        command.arguments += 1;
        if settings.keep_values {
            command.show(&bounded(argument, LONGEST_VALUES));
        }
    }

    /// Passes over an argument.
    fn pass(&mut self, settings: Settings) {
        if self.read > 0 {
            self.command.arguments += 1;
            if settings.keep_values {
                self.command.show("...");
            }
        }
        self.read += 1;
    }
}

impl Command {
    fn show(&mut self, argument: &str) {
        if self.id.kind() == Kind::Secret {
            return;
        }
        let values = self.values.get_or_insert_default();
        if values.len() > LONGEST_VALUES {
            return;
        }
        values.push(' ');
        let room = LONGEST_VALUES.saturating_sub(values.len());
        match argument.len() <= room {
            true => values.push_str(argument),
            false => {
                let end = (0..=room).rev().find(|end| argument.is_char_boundary(*end)).unwrap_or(0);
                values.push_str(&argument[..end]);
                values.push_str("...");
            }
        }
    }
}

/// True when `text` may become a command's name.
pub(super) fn may_be_name(text: &[u8]) -> bool {
    text.len() <= 24
        && text.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'-' | b'\r'))
}

/// The same behind blanks, and in quotes, where each letter may be written with up to four.
fn may_become_name(text: &[u8]) -> bool {
    match text.trim_ascii_start() {
        [b'"' | b'\'', rest @ ..] => {
            rest.len() <= 4 * 24 && rest.iter().all(|byte| (b' '..=b'~').contains(byte))
        }
        text => may_be_name(text),
    }
}
