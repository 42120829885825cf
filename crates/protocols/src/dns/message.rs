//! A message: header, question, and what of its records is of interest (RFC 1035, 4.1).

use core::net::Ipv6Addr;
use std::fmt::Write as _;

use model::Text;

use super::codes::{A, AAAA, ANY, CNAME, OPT, Opcode, SOA};
use super::name::{self, Error, Name};

/// The first twelve bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header {
    pub(super) id: u16,
    flags: u16,
    /// Questions, answers, authority and additional records.
    pub(super) counts: [u16; 4],
    pub(super) opcode: Opcode,
}

impl Header {
    pub(super) const LENGTH: usize = 12;
    const RESPONSE: u16 = 0x8000;
    pub(super) const AUTHORITATIVE: u16 = 0x0400;
    pub(super) const TRUNCATED: u16 = 0x0200;
    pub(super) const RECURSION_DESIRED: u16 = 0x0100;
    pub(super) const RECURSION_AVAILABLE: u16 = 0x0080;
    /// Must be zero.
    pub(super) const RESERVED: u16 = 0x0040;

    fn read(message: &[u8]) -> Result<Self, Error> {
        let (head, _) = message.split_first_chunk::<{ Self::LENGTH }>().ok_or(Error::Cut)?;
        let [a, b, c, d, counts @ ..] = head;
        let flags = u16::from_be_bytes([*c, *d]);
        let [questions, rest @ ..] = counts.as_chunks::<2>().0 else { return Err(Error::Cut) };
        let mut others = rest.iter().map(|bytes| u16::from_be_bytes(*bytes));
        let mut next = || others.next().unwrap_or_default();
        Ok(Header {
            id: u16::from_be_bytes([*a, *b]),
            flags,
            counts: [u16::from_be_bytes(*questions), next(), next(), next()],
            opcode: Opcode::of((flags >> 11 & 15) as u8).ok_or(Error::Bad)?,
        })
    }

    pub(super) fn is_response(self) -> bool {
        self.has(Self::RESPONSE)
    }

    pub(super) fn has(self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The response code, without the bits that EDNS adds.
    pub(super) fn rcode(self) -> u16 {
        self.flags & 15
    }

    /// True for what multicast DNS sends: to no one in particular, so that no id is needed (RFC 6762, 18.1).
    pub(super) fn is_multicast(self) -> bool {
        self.id == 0 && self.opcode == Opcode::Query && !self.has(Self::RECURSION_DESIRED)
    }
}

/// What a question is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Key {
    pub(super) name: Name,
    pub(super) kind: u16,
    pub(super) class: u16,
}

/// A message of which header and question could be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) header: Header,
    /// The first question; nearly all messages have exactly one (RFC 9619).
    pub(super) question: Option<Key>,
    /// Where the records begin.
    records: usize,
}

/// What a message's records tell.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The addresses that the question's name leads to, the first few, with commas between.
    pub(super) addresses: Text,
    /// For how long these may be remembered: seconds.
    pub(super) ttl: Option<u32>,
    /// Answers that are of the question's name and type.
    pub(super) matching: u16,
    /// Answers of the type SOA.
    pub(super) soas: u16,
    /// From the OPT record (RFC 6891, 6.1.3): more bits of the response code.
    extended: u8,
    /// From the OPT record: the largest datagram that the sender takes.
    pub(super) payload: Option<u16>,
    /// The bytes end within a record.
    pub(super) cut: bool,
    /// Where the last record ends.
    pub(super) end: usize,
}

/// Addresses that are told.
const MOST_ADDRESSES: usize = 16;
/// Questions of a message that are looked at.
const MOST_QUESTIONS: u16 = 32;
/// Answers of which the name is compared.
const MOST_COMPARED: u16 = 64;

impl<'a> Message<'a> {
    /// Reads header and questions of a message, of which the end may be missing.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let header = Header::read(bytes)?;
        let mut at = Header::LENGTH;
        let mut first = None;
        if header.counts[0] > 0 {
            let (question, behind) = question(bytes, at, header)?;
            first = Some(question);
            at = behind;
        }
        for _ in 1..header.counts[0] {
            at = name::skip(bytes, at)? + 4;
            if at > bytes.len() {
                return Err(Error::Cut);
            }
        }
        Ok(Message { bytes, header, question: first, records: at })
    }

    /// The questions, the first few, with their names as people write them.
    pub(super) fn questions(&self) -> impl Iterator<Item = (Key, Text)> {
        let mut at = Header::LENGTH;
        (0..self.header.counts[0].min(MOST_QUESTIONS)).map_while(move |_| {
            let (question, behind) = question(self.bytes, at, self.header).ok()?;
            let name = name::text(self.bytes, at);
            at = behind;
            Some((question, name))
        })
    }

    /// The response code, with the bits that EDNS adds.
    pub(super) fn rcode(&self, records: &Records) -> u16 {
        u16::from(records.extended) << 4 | self.header.rcode()
    }

    /// Goes through all records; those of the answer are compared with `question`. What is cut off at the end
    /// is no error, what is not as it must be is.
    pub(super) fn records(&self, question: Option<Key>) -> Result<Records, Error> {
        let mut records = Records { end: self.records, ..Records::default() };
        match self.go_through(question, &mut records) {
            Err(Error::Cut) => records.cut = true,
            other => other?,
        }
        Ok(records)
    }

    fn go_through(&self, question: Option<Key>, records: &mut Records) -> Result<(), Error> {
        let [_, answers, authority, additional] = self.header.counts;
        let mut search = Search::new(question, self.question.is_some());
        for place in 0..answers {
            let record = Record::read(self.bytes, records.end)?;
            records.end = record.end;
            records.soas = records.soas.saturating_add(u16::from(record.kind == SOA));
            if place < MOST_COMPARED && self.header.opcode == Opcode::Query {
                search.compare(self.bytes, &record, records)?;
            }
        }
        for _ in 0..u32::from(authority) + u32::from(additional) {
            let record = Record::read(self.bytes, records.end)?;
            records.end = record.end;
            if record.kind == OPT {
                records.extended = (record.ttl >> 24) as u8;
                records.payload = Some(record.class);
            }
        }
        Ok(())
    }
}

/// The question at a place, and where it ends.
fn question(bytes: &[u8], at: usize, header: Header) -> Result<(Key, usize), Error> {
    let (name, behind) = name::read(bytes, at)?;
    let class = number(bytes, behind + 2)?;
    // The highest bit asks for an answer by unicast (RFC 6762, 5.4).
    let class = if header.is_multicast() { class & 0x7fff } else { class };
    Ok((Key { name, kind: number(bytes, behind)?, class }, behind + 4))
}

/// A resource record.
#[derive(Debug, Clone, Copy)]
struct Record {
    owner: usize,
    kind: u16,
    class: u16,
    ttl: u32,
    data: usize,
    end: usize,
}

impl Record {
    fn read(bytes: &[u8], owner: usize) -> Result<Self, Error> {
        let at = name::skip(bytes, owner)?;
        let data = at + 10;
        let end = data + usize::from(number(bytes, at + 8)?);
        if end > bytes.len() {
            return Err(Error::Cut);
        }
        let ttl = u32::from(number(bytes, at + 4)?) << 16 | u32::from(number(bytes, at + 6)?);
        Ok(Record { owner, kind: number(bytes, at)?, class: number(bytes, at + 2)?, ttl, data, end })
    }
}

fn number(bytes: &[u8], at: usize) -> Result<u16, Error> {
    match bytes.get(at..) {
        Some([high, low, ..]) => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(Error::Cut),
    }
}

/// The search for what answers a question, along its aliases. These come in the order in which they lead on,
/// and before what they lead to.
struct Search {
    wanted: Option<u16>,
    /// The name that is looked for now.
    name: Name,
    /// A place where it stands, if one is known: most records point there.
    at: usize,
    addresses: usize,
}

impl Search {
    fn new(question: Option<Key>, stands_first: bool) -> Self {
        Search {
            wanted: question.map(|question| question.kind),
            name: question.unwrap_or_default().name,
            at: if stands_first { Header::LENGTH } else { usize::MAX },
            addresses: 0,
        }
    }

    fn compare(&mut self, bytes: &[u8], record: &Record, records: &mut Records) -> Result<(), Error> {
        let Some(wanted) = self.wanted else { return Ok(()) };
        let alias = record.kind == CNAME && wanted != CNAME && wanted != ANY;
        let fits = record.kind == wanted || wanted == ANY;
        if !(alias || fits) || !self.is_name(bytes, record.owner)? {
            return Ok(());
        }
        // The highest bit would make it negative: that means nothing may be remembered (RFC 2181, 8).
        let ttl = if record.ttl >> 31 == 0 { record.ttl } else { 0 };
        let shortest = records.ttl.map_or(ttl, |other| other.min(ttl));
        if alias {
            let (name, behind) = name::read(bytes, record.data)?;
            if behind != record.end {
                return Err(Error::Bad);
            }
            (self.name, self.at) = (name, record.data);
            records.ttl = Some(shortest);
            return Ok(());
        }
        records.matching = records.matching.saturating_add(1);
        if matches!(record.kind, A | AAAA) {
            records.ttl = Some(shortest);
            self.addresses += 1;
            let data = bytes.get(record.data..record.end).unwrap_or_default();
            let told = self.addresses <= MOST_ADDRESSES;
            push_address(record.kind, data, &mut records.addresses, told)?;
        }
        Ok(())
    }

    fn is_name(&self, bytes: &[u8], owner: usize) -> Result<bool, Error> {
        let pointer = number(bytes, owner)?;
        if pointer >> 14 == 3 && usize::from(pointer & 0x3fff) == self.at {
            return Ok(true);
        }
        Ok(name::read(bytes, owner)?.0 == self.name)
    }
}

fn push_address(kind: u16, data: &[u8], text: &mut Text, told: bool) -> Result<(), Error> {
    let comma = if told && !text.is_empty() { "," } else { "" };
    if kind == A {
        let address = <[u8; 4]>::try_from(data).map_err(|_| Error::Bad)?;
        if told {
            text.push_str(comma);
            push_dotted(address, text);
        }
    } else {
        let address = <[u8; 16]>::try_from(data).map_err(|_| Error::Bad)?;
        if told {
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{}", Ipv6Addr::from(address));
        }
    }
    Ok(())
}

/// An IPv4 address, several times as fast as by its `Display`.
fn push_dotted(address: [u8; 4], text: &mut Text) {
    let mut written = [0; "255.255.255.255.".len()];
    let mut length = 0;
    for byte in address {
        let digits = [byte / 100, byte / 10 % 10, byte % 10];
        let zeros = digits.iter().take(2).take_while(|digit| **digit == 0).count();
        let digits = digits.iter().skip(zeros).map(|digit| b'0' + digit);
        for (place, byte) in written.iter_mut().skip(length).zip(digits.chain([b'.'])) {
            *place = byte;
            length += 1;
        }
    }
    let written = written.get(..length.saturating_sub(1)).unwrap_or_default();
    text.push_str(std::str::from_utf8(written).unwrap_or_default());
}
