//! The PROXY protocol, versions 1 and 2: what a proxy says about the client behind it, before all else.
//!
//! Source: <https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt>.
//!
//! It is no protocol of its own and so not in the registry: the driver takes a header off the beginning of what a client
//! sends, whatever is spoken after it. A receiver has to refuse what it does not know; who only looks on passes it over by its
//! length.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::{FromStr, from_utf8};

use model::Endpoint;

use crate::text;

/// A text header's first bytes.
const TEXT: &[u8] = b"PROXY ";
/// What may follow them.
const FAMILIES: [&[u8]; 3] = [b"TCP4", b"TCP6", b"UNKNOWN"];
/// The longest text header, with its line's end.
const LONGEST_TEXT: usize = 107;
/// A binary header's first bytes.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// These, then version and command, family, and the length of what follows.
const FIXED: usize = 16;
/// Room for a Unix socket's path.
const PATH: usize = 108;

/// More bytes than these are never needed to understand a header; it may be longer.
pub const MOST_NEEDED: usize = FIXED + 2 * PATH;

/// What the beginning of a client's bytes is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// It is no header, whatever follows.
    Other,
    /// It may become one.
    NeedMore,
    /// It is one.
    Header(Header),
}

/// A header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its length; in the binary form there may be more of it than was given.
    pub length: usize,
    /// The client behind the proxy. `None` where the proxy speaks for itself, or does not know or does not say.
    pub client: Option<Endpoint>,
}

/// Reads what stands at the beginning of what a client sends.
pub fn read(bytes: &[u8]) -> Beginning {
    if begins(bytes, BINARY) {
        binary(bytes)
    } else if begins(bytes, TEXT) {
        line(bytes)
    } else {
        Beginning::Other
    }
}

/// What a datagram holds besides a header: each has one of its own, always of the binary form.
pub fn datagram(bytes: &[u8]) -> &[u8] {
    if !bytes.starts_with(BINARY) {
        return bytes;
    }
    match read(bytes) {
        Beginning::Header(header) => bytes.get(header.length..).unwrap_or_default(),
        Beginning::NeedMore | Beginning::Other => bytes,
    }
}

/// `bytes` begin with `word`, as far as they go.
fn begins(bytes: &[u8], word: &[u8]) -> bool {
    let common = bytes.len().min(word.len());
    bytes[..common] == word[..common]
}

fn line(bytes: &[u8]) -> Beginning {
    let rest = bytes.get(TEXT.len()..).unwrap_or_default();
    if !FAMILIES.into_iter().any(|family| begins(rest, family)) {
        return Beginning::Other;
    }
    let within = &bytes[..bytes.len().min(LONGEST_TEXT)];
    let Some(end) = within.windows(2).position(|pair| pair == b"\r\n") else {
        return if within.len() < LONGEST_TEXT { Beginning::NeedMore } else { Beginning::Other };
    };
    let mut words = bytes[TEXT.len()..end].split(|byte| *byte == b' ');
    let client = match words.next() {
        Some(b"TCP4") => addressed::<Ipv4Addr>(words),
        Some(b"TCP6") => addressed::<Ipv6Addr>(words),
        // Anything may stand behind it.
        Some(b"UNKNOWN") => Some(None),
        _ => None,
    };
    match client {
        Some(client) => Beginning::Header(Header { length: end + 2, client }),
        None => Beginning::Other,
    }
}

/// The addresses and ports of a text header, client first; `None` unless they are just that.
fn addressed<'a, A>(mut words: impl Iterator<Item = &'a [u8]>) -> Option<Option<Endpoint>>
where
    A: FromStr + Into<IpAddr>,
{
    let mut address = || from_utf8(words.next()?).ok()?.parse::<A>().ok();
    let (client, _proxy) = (address()?, address()?);
    let mut port = || u16::try_from(text::decimal(words.next()?)?).ok();
    let (client_port, _proxy_port) = (port()?, port()?);
    words.next().is_none().then(|| Some(Endpoint::ip(client.into(), client_port)))
}

fn binary(bytes: &[u8]) -> Beginning {
    if bytes.get(BINARY.len()).is_some_and(|version| version >> 4 != 2) {
        return Beginning::Other;
    }
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else { return Beginning::NeedMore };
    let [.., command, family, high, low] = *fixed;
    let told = usize::from(u16::from_be_bytes([high, low]));
    let header = |client| Beginning::Header(Header { length: FIXED + told, client });
    // The command LOCAL: the proxy asks for itself, to see whether the server is well.
    let by_proxy = command & 0xf == 1;
    let addresses = match family >> 4 {
        1 => 12,
        2 => 36,
        3 => 2 * PATH,
        _ => 0,
    };
    if !by_proxy || addresses == 0 || told < addresses {
        return header(None);
    }
    match rest.get(..addresses) {
        Some(addresses) => header(client(addresses)),
        None => Beginning::NeedMore,
    }
}

/// The first of two addresses; their length tells of which family they are.
fn client(addresses: &[u8]) -> Option<Endpoint> {
    match *addresses {
        [a, b, c, d, _, _, _, _, high, low, _, _] => {
            Some(Endpoint::ip(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low])))
        }
        [.., high, low, _, _] if addresses.len() == 36 => {
            let (address, _) = addresses.split_first_chunk::<16>()?;
            Some(Endpoint::ip(Ipv6Addr::from(*address).into(), u16::from_be_bytes([high, low])))
        }
        _ => unix(addresses.get(..PATH)?),
    }
}

/// A path ends at its first zero byte; a name that is no path begins with one. Most clients have neither.
fn unix(path: &[u8]) -> Option<Endpoint> {
    let until_zero = |bytes: &[u8]| bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let name = match path {
        [0, name @ ..] => {
            let name = text::bounded(&name[..until_zero(name)], PATH);
            if name.is_empty() { name } else { model::Text::from_iter(["@", name.as_str()]) }
        }
        path => text::bounded(&path[..until_zero(path)], PATH),
    };
    (!name.is_empty()).then_some(Endpoint::Unix(name))
}

#[cfg(test)]
mod tests;
