//! The beginning of a connection: the server's greeting, and the client's login.

use model::Text;

use super::command::name;
use super::packet::{Header, little, number, string};

/// Capability flags.
mod capability {
    pub(super) const CLIENT_MYSQL: u64 = 1;
    pub(super) const CONNECT_WITH_DB: u64 = 1 << 3;
    pub(super) const COMPRESS: u64 = 1 << 5;
    pub(super) const PROTOCOL_41: u64 = 1 << 9;
    pub(super) const SSL: u64 = 1 << 11;
    pub(super) const SECURE_CONNECTION: u64 = 1 << 15;
    pub(super) const AUTH_LENENC: u64 = 1 << 21;
    pub(super) const DEPRECATE_EOF: u64 = 1 << 24;
    pub(super) const ZSTD: u64 = 1 << 26;
    pub(super) const QUERY_ATTRIBUTES: u64 = 1 << 27;
}

/// What a greeting tells (protocol version 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Greeting {
    capabilities: u64,
    pub(super) mariadb: bool,
}

/// Marker of a greeting: the version of the protocol.
pub(super) const VERSION: u8 = 10;
/// Fixed bytes of a greeting behind the server's version, up to the reserved ones: connection id, scramble, zero,
/// flags, character set, status, flags, length of the scramble.
const FIXED: usize = 4 + 8 + 1 + 2 + 1 + 2 + 2 + 1;

/// Reads a whole greeting.
pub(super) fn greeting(payload: &[u8]) -> Option<Greeting> {
    let (&version, rest) = payload.split_first()?;
    let (name, rest) = string(rest)?;
    let fixed = rest.get(..FIXED)?;
    if version != VERSION || *fixed.get(12)? != 0 || !is_version(name) {
        return None;
    }
    let low = little(fixed.get(13..15)?);
    let high = little(fixed.get(18..20)?);
    let capabilities = low | high << 16;
    let named = memchr::memmem::find(name, b"MariaDB").is_some();
    Some(Greeting { capabilities, mariadb: named || capabilities & capability::CLIENT_MYSQL == 0 })
}

/// `8.0.36`, `5.5.5-10.11.6-MariaDB-0+deb12u1-log`: a digit, then anything that is printed.
pub(super) fn is_version(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_digit) && name.iter().all(u8::is_ascii_graphic)
}

/// What a login tells; never the user or a password.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Login {
    capabilities: u64,
    /// It only asks for TLS.
    pub(super) tls: bool,
    pub(super) database: Option<Text>,
    /// In the character set that it asks for, a backslash may be half of a character; or the server chooses.
    pub(super) wide: bool,
}

/// Where the number of the character set is.
const CHARSET: usize = 8;
/// Numbers of Big5, Shift-JIS, GBK and GB18030, and the one that stands for none.
const WIDE: [u8; 12] = [0, 1, 84, 13, 88, 28, 87, 95, 96, 248, 249, 250];

/// Flags, largest packet, character set, reserved bytes.
pub(super) const LOGIN_FIXED: usize = 4 + 4 + 1 + 23;
/// The first of the reserved bytes, which are zero; MariaDB has flags of its own in those behind.
const LOGIN_ZEROS: std::ops::Range<usize> = 9..9 + 19;

/// Reads a login, or a request for TLS. `payload` may be cut: then the database may be missing.
pub(super) fn login(header: Header, payload: &[u8]) -> Option<Login> {
    let fixed = payload.get(..LOGIN_FIXED)?;
    let capabilities = little(fixed.get(..4)?);
    let zeros = fixed.get(LOGIN_ZEROS)?.iter().all(|byte| *byte == 0);
    if header.sequence == 0 || capabilities & capability::PROTOCOL_41 == 0 || !zeros {
        return None;
    }
    let tls = header.length == LOGIN_FIXED && capabilities & capability::SSL != 0;
    let database = (capabilities & capability::CONNECT_WITH_DB != 0)
        .then(|| login_database(capabilities, payload.get(LOGIN_FIXED..)?))
        .flatten();
    let wide = fixed.get(CHARSET).is_none_or(|charset| WIDE.contains(charset));
    Some(Login { capabilities, tls, database, wide })
}

fn login_database(capabilities: u64, rest: &[u8]) -> Option<Text> {
    let (_user, rest) = string(rest)?;
    let rest = if capabilities & capability::AUTH_LENENC != 0 {
        let (length, rest) = number(rest)?;
        rest.get(usize::try_from(length).ok()?..)?
    } else if capabilities & capability::SECURE_CONNECTION != 0 {
        let (&length, rest) = rest.split_first()?;
        rest.get(usize::from(length)..)?
    } else {
        string(rest)?.1
    };
    name(string(rest)?.0)
}

/// What both parties agreed upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) compressed: bool,
    /// No EOF packet stands behind definitions.
    pub(super) deprecate_eof: bool,
    pub(super) query_attributes: bool,
}

/// What holds from here on; a client asks only for what it was offered.
pub(super) fn agree(greeting: Option<Greeting>, login: &Login) -> Agreed {
    let offered = greeting.map_or(u64::MAX, |greeting| greeting.capabilities);
    let both = |flag| offered & login.capabilities & flag != 0;
    Agreed {
        compressed: both(capability::COMPRESS) || both(capability::ZSTD),
        deprecate_eof: both(capability::DEPRECATE_EOF),
        query_attributes: both(capability::QUERY_ATTRIBUTES),
    }
}
