//! Reads one reply, or push message, of RESP2 or RESP3. Values are passed over; what counts is where the
//! reply ends, and whether it is an error.

use model::Text;

use super::scan::{Number, Read, line, number};
use crate::text::bounded;

/// What is kept of a reply.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) kind: Kind,
    /// A push message of RESP3.
    pub(super) push: bool,
    /// It is `+OK`.
    pub(super) ok: bool,
    /// The first word of an error.
    pub(super) error: Option<Text>,
    /// An error that CLIENT REPLY may get: it names the command, or nothing at all is allowed.
    pub(super) refuses_client: bool,
    /// Elements of an array or the like, as it announces them.
    pub(super) elements: u64,
}

/// What a reply is, as far as it matters.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any value.
    #[default]
    Value,
    /// A simple string.
    Status,
    /// `+QUEUED`
    Queued,
    Error,
    /// An array or push message that confirms a subscription, or the end of one, to the command of this name.
    Confirmation(&'static str),
    /// An array or push message that brings a published message.
    Message,
}

/// Reads replies, one after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    reply: Reply,
    begun: bool,
    /// What the reply is was seen; attributes may come before it.
    known: bool,
    /// The next element may be a word that tells the kind of what it is the first of.
    telling: Telling,
    /// Elements still to come at this level, those of counted aggregates inside included; [`STREAMED`]
    /// inside an aggregate of unknown length.
    open: u64,
    /// The same for the levels around: one where an aggregate of unknown length begins or is interrupted.
    levels: Vec<u64>,
    /// Inside a string of unknown length.
    chunks: bool,
    /// What goes by completes an element.
    passing: bool,
    /// What is special about the elements of the array that comes.
    shape: Shape,
}

/// In what way the reply to EXEC has other elements than it announces: one for each command.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Commands without a reply.
    pub(super) lacking: u64,
    /// Commands that are answered by confirmations of subscriptions or of their ends.
    pub(super) subscribing: u64,
    /// How many these have at least; those that had none to end may be told of more.
    pub(super) confirmations: u64,
}

/// What the next element is the first of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// Nothing that it may tell of.
    #[default]
    Nothing,
    /// The reply.
    Reply,
    /// A push message inside of it, which counts for no element unless it confirms a subscription.
    Push,
    /// An array inside of it, which may be what the same is in RESP2.
    Array,
}

const STREAMED: u64 = u64::MAX;
const MOST_LEVELS: usize = 32;
/// More elements than a server can send in a lifetime; sums below it cannot overflow.
const MOST_OPEN: u64 = 1 << 50;
/// The longest word that tells a kind: `punsubscribe`.
const LONGEST_WORD: u64 = 12;
/// As much of an error as its first word may take.
const LONGEST_ERROR: usize = 64;

impl Reader {
    /// True between replies.
    pub(super) fn is_idle(&self) -> bool {
        !self.begun
    }

    /// If the next reply is an array, it has such elements.
    pub(super) fn set_shape(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// The reply that was whole, or what is known of it.
    pub(super) fn take(&mut self) -> Reply {
        std::mem::take(self).reply
    }

    /// What was to be skipped went by; true when the reply is whole.
    pub(super) fn passed(&mut self) -> bool {
        std::mem::take(&mut self.passing) && self.complete()
    }

    /// Reads from the head of `bytes`.
    #[inline]
    pub(super) fn read(&mut self, bytes: &[u8]) -> Read {
        if !self.begun {
            // Servers keep replicas that wait for a snapshot alive with line feeds.
            let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if blank > 0 {
                return Read::Nothing(blank);
            }
            (self.begun, self.open) = (true, 1);
        }
        let mut at = 0;
        while at < bytes.len() {
            match self.element(bytes, at) {
                Element::Cut => break,
                Element::Lost => return Read::Lost,
                Element::Opens(next) => at = next,
                Element::Ends(next) => {
                    at = next;
                    if self.complete() {
                        return Read::Whole(at);
                    }
                }
                Element::Goes(next, skip) => return Read::Skip(next, skip),
            }
        }
        Read::up_to(at)
    }

    fn element(&mut self, bytes: &[u8], at: usize) -> Element {
        let top = !self.known && self.open == 1 && self.levels.is_empty();
        let telling = std::mem::take(&mut self.telling);
        let element = match bytes[at] {
            _ if self.chunks => self.chunk(bytes, at),
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => match line(bytes, at) {
                Some((line, next)) => {
                    if top {
                        self.simple(line);
                    } else if telling != Telling::Nothing {
                        self.tell(telling, &line[1..]);
                    }
                    Element::Ends(next)
                }
                None => Element::Cut,
            },
            b'$' | b'=' | b'!' => self.bulk(bytes, at, top, telling),
            b'*' | b'~' | b'>' | b'%' | b'|' => self.aggregate(bytes, at, top),
            b'.' => match bytes.get(at + 1..at + 3) {
                Some(b"\r\n") if self.open == STREAMED => {
                    self.open = self.levels.pop().unwrap_or(1);
                    Element::Ends(at + 3)
                }
                None if self.open == STREAMED && bytes.get(at + 1).is_none_or(|byte| *byte == b'\r') => {
                    Element::Cut
                }
                _ => Element::Lost,
            },
            _ => Element::Lost,
        };
        if element == Element::Cut {
            self.telling = telling;
        }
        element
    }

    /// The line of a simple reply.
    fn simple(&mut self, line: &[u8]) {
        self.known = true;
        match line {
            b"+QUEUED" => self.reply.kind = Kind::Queued,
            [b'+', text @ ..] => (self.reply.kind, self.reply.ok) = (Kind::Status, text == b"OK"),
            [b'-', text @ ..] => self.error(text),
            _ => {}
        }
    }

    fn error(&mut self, text: &[u8]) {
        self.reply.kind = Kind::Error;
        let word = text.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).next().unwrap_or_default();
        self.reply.error = Some(match word {
            [] => Text::const_new("ERR"),
            word => bounded(word, LONGEST_ERROR),
        });
        let names_it = || text.windows(6).any(|word| word.eq_ignore_ascii_case(b"client"));
        self.reply.refuses_client = matches!(word, b"NOAUTH" | b"BUSY" | b"LOADING") || names_it();
    }

    fn bulk(&mut self, bytes: &[u8], at: usize, top: bool, telling: Telling) -> Element {
        if bytes.get(at + 1) == Some(&b'?') {
            return match bytes.get(at + 2..at + 4) {
                Some(b"\r\n") => {
                    self.known |= top;
                    self.chunks = true;
                    Element::Opens(at + 4)
                }
                None if bytes.get(at + 2).is_none_or(|byte| *byte == b'\r') => Element::Cut,
                _ => Element::Lost,
            };
        }
        let (length, body) = match number(bytes, at + 1) {
            Number::Is(length, body) => (length, body),
            Number::Negative(next) => {
                self.known |= top;
                return Element::Ends(next);
            }
            Number::Cut => return Element::Cut,
            Number::Not => return Element::Lost,
        };
        let there = &bytes[body..];
        let wanted = match bytes[at] {
            b'!' if top => (length as usize).min(LONGEST_ERROR),
            _ if telling != Telling::Nothing && length <= LONGEST_WORD => length as usize,
            _ => 0,
        };
        let Some(text) = there.get(..wanted) else { return Element::Cut };
        if top && bytes[at] == b'!' {
            self.error(text);
        } else if telling != Telling::Nothing {
            self.tell(telling, text);
        }
        self.known |= top;
        let size = length + 2;
        if size <= there.len() as u64 {
            let end = body + length as usize;
            return if bytes[end..end + 2] == *b"\r\n" { Element::Ends(end + 2) } else { Element::Lost };
        }
        self.passing = true;
        Element::Goes(body, size)
    }

    /// A piece of a string of unknown length.
    fn chunk(&mut self, bytes: &[u8], at: usize) -> Element {
        match number(bytes, at + 1) {
            _ if bytes[at] != b';' => Element::Lost,
            Number::Is(0, next) => {
                self.chunks = false;
                Element::Ends(next)
            }
            Number::Is(length, next) if length + 2 <= (bytes.len() - next) as u64 => {
                Element::Opens(next + length as usize + 2)
            }
            Number::Is(length, next) => Element::Goes(next, length + 2),
            Number::Cut => Element::Cut,
            _ => Element::Lost,
        }
    }

    fn aggregate(&mut self, bytes: &[u8], at: usize, top: bool) -> Element {
        let kind = bytes[at];
        if bytes.get(at + 1) == Some(&b'?') && kind != b'|' {
            return match bytes.get(at + 2..at + 4) {
                Some(b"\r\n") if self.levels.len() < MOST_LEVELS => {
                    self.known |= top;
                    self.levels.push(self.open);
                    self.open = STREAMED;
                    Element::Opens(at + 4)
                }
                None if bytes.get(at + 2).is_none_or(|byte| *byte == b'\r') => Element::Cut,
                _ => Element::Lost,
            };
        }
        let (count, next) = match number(bytes, at + 1) {
            Number::Is(count, next) => (count, next),
            Number::Negative(next) if kind != b'|' => (0, next),
            Number::Cut => return Element::Cut,
            _ => return Element::Lost,
        };
        let mut elements = if matches!(kind, b'%' | b'|') { count * 2 } else { count };
        if top && kind != b'|' {
            self.known = true;
            self.reply.elements = count;
            if kind == b'*' {
                elements = self.shaped(elements);
            }
            self.reply.push = kind == b'>';
            if matches!(kind, b'>' | b'*') && count > 0 {
                self.telling = Telling::Reply;
            }
        }
        // Neither is an element of what it stands in.
        let apart = kind == b'|' || (kind == b'>' && !top);
        if elements == 0 {
            return if apart { Element::Opens(next) } else { Element::Ends(next) };
        }
        match kind {
            b'>' if !top => self.telling = Telling::Push,
            b'*' if !top && self.shape.subscribing > 0 && matches!(count, 3 | 4) => {
                self.telling = Telling::Array;
            }
            _ => {}
        }
        if self.open == STREAMED {
            if self.levels.len() >= MOST_LEVELS {
                return Element::Lost;
            }
            self.levels.push(STREAMED);
            self.open = elements;
        } else {
            self.open = self.open - u64::from(!apart) + elements;
            if self.open > MOST_OPEN {
                return Element::Lost;
            }
        }
        Element::Opens(next)
    }

    /// How many elements there are of an array that announces so many.
    fn shaped(&mut self, elements: u64) -> u64 {
        let Shape { lacking, subscribing, confirmations } = self.shape;
        if elements < lacking + subscribing {
            // It is another.
            self.shape = Shape::default();
        }
        let others = elements.saturating_sub(lacking + subscribing);
        if self.shape.subscribing > 0 { others + confirmations } else { others }
    }

    /// The first element of an array or push message.
    fn tell(&mut self, telling: Telling, word: &[u8]) {
        let kind = match word {
            b"subscribe" => Kind::Confirmation("SUBSCRIBE"),
            b"psubscribe" => Kind::Confirmation("PSUBSCRIBE"),
            b"ssubscribe" => Kind::Confirmation("SSUBSCRIBE"),
            b"unsubscribe" => Kind::Confirmation("UNSUBSCRIBE"),
            b"punsubscribe" => Kind::Confirmation("PUNSUBSCRIBE"),
            b"sunsubscribe" => Kind::Confirmation("SUNSUBSCRIBE"),
            b"message" | b"pmessage" | b"smessage" => Kind::Message,
            _ => return,
        };
        let confirms = matches!(kind, Kind::Confirmation(_)) && self.shape.confirmations > 0;
        match telling {
            Telling::Reply => self.reply.kind = kind,
            Telling::Push if confirms && self.levels.is_empty() => {
                self.shape.confirmations -= 1;
                self.open = self.open.saturating_sub(1);
            }
            Telling::Array if confirms => self.shape.confirmations -= 1,
            // It was taken for an element.
            Telling::Array if self.open < STREAMED - 1 => self.open += 1,
            Telling::Push | Telling::Array | Telling::Nothing => {}
        }
    }

    /// An element is complete; true when the reply is whole with it.
    fn complete(&mut self) -> bool {
        loop {
            if self.open == STREAMED {
                return false;
            }
            self.open = self.open.saturating_sub(1);
            if self.open > 0 {
                return false;
            }
            match self.levels.pop() {
                None => return true,
                // Back in an aggregate of unknown length.
                Some(STREAMED) => {
                    self.open = STREAMED;
                    return false;
                }
                Some(open) => self.open = open,
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Cut,
    Lost,
    /// More of it, or of another, follows here.
    Opens(usize),
    /// Complete up to here.
    Ends(usize),
    /// Read up to here, and so many bytes to pass over.
    Goes(usize, u64),
}
