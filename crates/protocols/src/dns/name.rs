//! Names in a message: labels, some of them left to an earlier place (RFC 1035, 3.1 and 4.1.4).

use std::fmt::Write as _;

use model::Text;

/// Why something cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Error {
    /// It goes on beyond the bytes that are there.
    Cut,
    /// It is not what the protocol allows.
    Bad,
}

/// Longest name on the wire, all labels with their lengths and the root's (RFC 1035, 2.3.4).
const LONGEST: usize = 255;
/// Where a message's names may begin: behind its header.
const HEADER: usize = 12;

/// The labels of a name. It ends, whatever the bytes: a pointer has to lead to before the labels that it ends,
/// and the name has to keep to its bound.
#[derive(Debug)]
struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// Where the labels that are read now began.
    from: usize,
    /// Bytes on the wire so far, were it written out.
    length: usize,
    /// The place behind the name, once it is known.
    behind: Option<usize>,
}

impl<'a> Labels<'a> {
    fn new(message: &'a [u8], at: usize) -> Self {
        Labels { message, at, from: at, length: 0, behind: None }
    }

    /// The next label; empty for the root, which is the last.
    fn next(&mut self) -> Result<&'a [u8], Error> {
        loop {
            let first = *self.message.get(self.at).ok_or(Error::Cut)?;
            match first >> 6 {
                0 => {
                    let begin = self.at + 1;
                    let end = begin + usize::from(first);
                    let label = self.message.get(begin..end).ok_or(Error::Cut)?;
                    self.length += 1 + label.len();
                    if self.length > LONGEST {
                        return Err(Error::Bad);
                    }
                    self.at = end;
                    if label.is_empty() {
                        self.behind.get_or_insert(end);
                    }
                    return Ok(label);
                }
                3 => {
                    let low = *self.message.get(self.at + 1).ok_or(Error::Cut)?;
                    let target = usize::from(first & 0x3f) << 8 | usize::from(low);
                    if !(HEADER..self.from).contains(&target) {
                        return Err(Error::Bad);
                    }
                    self.behind.get_or_insert(self.at + 2);
                    (self.at, self.from) = (target, target);
                }
                _ => return Err(Error::Bad),
            }
        }
    }
}

/// A name by what it is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Name {
    /// Of its labels in lower case: the case carries no meaning, and is mixed on purpose by some clients.
    pub(super) hash: u64,
    /// Labels, without the root's.
    pub(super) labels: u8,
}

/// Reads the name at `at`; with it goes the place behind it.
pub(super) fn read(message: &[u8], at: usize) -> Result<(Name, usize), Error> {
    let mut labels = Labels::new(message, at);
    // FNV-1a, 64 bits.
    let mut name = Name { hash: 0xcbf2_9ce4_8422_2325, labels: 0 };
    loop {
        let label = labels.next()?;
        name.hash = mix(name.hash, label.len() as u8);
        if label.is_empty() {
            return Ok((name, labels.behind.unwrap_or(labels.at)));
        }
        name.hash = label.iter().fold(name.hash, |hash, byte| mix(hash, byte.to_ascii_lowercase()));
        name.labels += 1;
    }
}

fn mix(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
}

/// The place behind the name at `at`, without looking where a pointer leads.
pub(super) fn skip(message: &[u8], at: usize) -> Result<usize, Error> {
    let mut here = at;
    loop {
        let first = *message.get(here).ok_or(Error::Cut)?;
        match first {
            0 => return Ok(here + 1),
            1..=0x3f => here += 1 + usize::from(first),
            0xc0.. => {
                let low = *message.get(here + 1).ok_or(Error::Cut)?;
                let target = usize::from(first & 0x3f) << 8 | usize::from(low);
                return if (HEADER..at).contains(&target) { Ok(here + 2) } else { Err(Error::Bad) };
            }
            _ => return Err(Error::Bad),
        }
        if here - at >= LONGEST {
            return Err(Error::Bad);
        }
    }
}

/// The name at `at` as people write it, without the last dot; `.` for the root. A dot or a backslash inside a
/// label is written behind a backslash, other bytes that are not printable ASCII as `\DDD` (RFC 4343, 2.1).
///
/// [`read`] has found it to be well-formed; of another one, as much as can be read.
pub(super) fn text(message: &[u8], at: usize) -> Text {
    let mut labels = Labels::new(message, at);
    let mut plain = [0; LONGEST];
    let mut length = 0;
    // Nearly all names need no escapes: they are put together here, and checked once.
    while let Ok(label @ [_, ..]) = labels.next() {
        let Some(place) = plain.get_mut(length..length + label.len() + 1) else { break };
        let (bytes, dot) = place.split_at_mut(label.len());
        bytes.copy_from_slice(label);
        dot.fill(b'.');
        if label.iter().any(|byte| matches!(byte, b'.' | b'\\' | 0..=b' ' | 0x7f..)) {
            return escaped(message, at);
        }
        length += label.len() + 1;
    }
    match plain.get(..length.saturating_sub(1)).and_then(|bytes| std::str::from_utf8(bytes).ok()) {
        Some(name) if !name.is_empty() => Text::new(name),
        _ => Text::const_new("."),
    }
}

fn escaped(message: &[u8], at: usize) -> Text {
    let mut labels = Labels::new(message, at);
    let mut text = Text::default();
    while let Ok(label @ [_, ..]) = labels.next() {
        if !text.is_empty() {
            text.push('.');
        }
        for byte in label {
            // Writing to a string cannot fail.
            let _ = match byte {
                b'.' | b'\\' => write!(text, "\\{}", char::from(*byte)),
                b'!'..=b'~' => text.write_char(char::from(*byte)),
                _ => write!(text, "\\{byte:03}"),
            };
        }
    }
    text
}

/// True for a label in NetBIOS's own encoding: 32 letters from A to P, half a byte each (RFC 1001, 14.1). Its name
/// service has the form of DNS, and is something else.
pub(super) fn is_netbios(message: &[u8], at: usize) -> bool {
    matches!(Labels::new(message, at).next(), Ok(label) if label.len() == 32
        && label.iter().all(|byte| matches!(byte, b'A'..=b'P')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind a header's room.
    fn message(bytes: &[u8]) -> Vec<u8> {
        [&[0; HEADER], bytes].concat()
    }

    #[test]
    fn as_people_write_it() {
        for (bytes, expected) in [
            (b"\x07example\x03com\x00".as_slice(), "example.com"),
            (b"\x07eXample\x03COM\x00", "eXample.COM"),
            (b"\x00", "."),
            (b"\x0axn--4gbwdl\x00", "xn--4gbwdl"),
            (b"\x03a.b\x03c\\d\x00", "a\\.b.c\\\\d"),
            (b"\x05\x00 \x1b\xc3\xa9\x01b\x00", "\\000\\032\\027\\195\\169.b"),
            (b"\x08_service\x04_tcp\x00", "_service._tcp"),
        ] {
            let message = message(bytes);
            assert_eq!(text(&message, HEADER), expected);
            let (_, behind) = read(&message, HEADER).expect("it is well-formed");
            assert_eq!((behind, skip(&message, HEADER)), (message.len(), Ok(message.len())));
        }
    }

    #[test]
    fn pointers() {
        // com at 12, example.com at 17, www.example.com at 27
        let message = message(b"\x03com\x00\x07example\xc0\x0c\x03www\xc0\x11");
        for (at, name, behind) in
            [(12, "com", 17), (17, "example.com", 27), (25, "com", 27), (27, "www.example.com", 33)]
        {
            assert_eq!(text(&message, at), name);
            assert_eq!(read(&message, at).map(|(_, behind)| behind), Ok(behind));
            assert_eq!(skip(&message, at), Ok(behind));
        }
    }

    #[test]
    fn case_carries_no_meaning() {
        let hash = |bytes| read(&message(bytes), HEADER).map(|(name, _)| name.hash);
        assert_eq!(hash(b"\x07eXaMpLe\x03Com\x00"), hash(b"\x07example\x03com\x00"));
        assert_ne!(hash(b"\x07example\x03com\x00"), hash(b"\x07example\x03org\x00"));
        assert_ne!(hash(b"\x01a\x01b\x00"), hash(b"\x03a.b\x00"));
    }

    #[test]
    fn hostile() {
        let longest = [b"\x3f".as_slice(), &[b'a'; 63]].concat().repeat(3);
        let exact = [&longest, b"\x3d".as_slice(), &[b'a'; 61], b"\x00"].concat();
        let long = [&longest, b"\x3e".as_slice(), &[b'a'; 62], b"\x00"].concat();
        // Each pointer leads backwards, and the name would still be too long.
        let mut chain = longest.clone();
        chain.extend([0]);
        chain.extend(b"\x3faaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc0\x0c");
        for (bytes, at, expected) in [
            (b"\xc0\x0c".as_slice(), 12, Error::Bad),        // to itself
            (b"\x01a\xc0\x0c", 12, Error::Bad),              // a loop
            (b"\xc0\x0e\x01a\x00", 12, Error::Bad),          // forward
            (b"\xc0\x00", 12, Error::Bad),                   // into the header
            (b"\x01a\xc0\x10\x01b\xc0\x0c", 16, Error::Bad), // a loop of two
            (b"\x40aaaaa", 12, Error::Bad),                  // a kind of label that is not used
            (b"\x80aaaaa", 12, Error::Bad),
            (b"\x07exam", 12, Error::Cut),
            (b"\x07example", 12, Error::Cut),
            (b"\xc0", 12, Error::Cut),
            (b"", 12, Error::Cut),
            (&long, 12, Error::Bad),
            (&chain, 12 + longest.len() + 1, Error::Bad),
        ] {
            assert_eq!(read(&message(bytes), at), Err(expected), "{bytes:02x?}");
            text(&message(bytes), at);
        }
        assert_eq!(read(&message(&exact), 12).map(|(_, behind)| behind), Ok(12 + 255));
        assert_eq!(text(&message(&exact), 12).len(), 253);
    }

    #[test]
    fn netbios() {
        assert!(is_netbios(&message(b"\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00"), 12));
        assert!(!is_netbios(&message(b"\x07example\x03com\x00"), 12));
    }
}
