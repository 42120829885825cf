//! Commands: what each is called, what answers it, and what is read of it.

use model::Text;

use super::packet::{little, number, string};
use crate::text::bounded;

/// What is special about a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Answered by one packet: OK, ERR or EOF.
    Plain,
    /// SQL in text; answered by results.
    Query,
    /// Answered by the statement's id and definitions.
    Prepare,
    /// A prepared statement; answered by results.
    Execute,
    /// Answered by rows alone.
    Fetch,
    /// Answered by definitions alone.
    FieldList,
    /// Answered by a line of text.
    Text,
    /// Answered by results.
    Results,
    /// Selects a database.
    InitDb,
    /// A conversation about who it is.
    Login,
    /// Forgets a prepared statement; no answer.
    Close,
    /// No answer.
    Silent,
    /// Answered by a stream that never ends.
    Stream,
    /// Drops what the session has.
    Reset,
}

impl Kind {
    /// A statement is executed.
    pub(super) fn runs(self) -> bool {
        matches!(self, Kind::Query | Kind::Execute)
    }
}

/// A command by its code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

const fn command(name: &'static str, kind: Kind) -> Command {
    Command { name, kind }
}

/// By code, 0x00 to 0x1f.
static COMMANDS: [Command; 32] = [
    command("SLEEP", Kind::Plain),
    command("QUIT", Kind::Silent),
    command("INIT_DB", Kind::InitDb),
    command("QUERY", Kind::Query),
    command("FIELD_LIST", Kind::FieldList),
    command("CREATE_DB", Kind::Plain),
    command("DROP_DB", Kind::Plain),
    command("REFRESH", Kind::Plain),
    command("SHUTDOWN", Kind::Plain),
    command("STATISTICS", Kind::Text),
    command("PROCESS_INFO", Kind::Results),
    command("CONNECT", Kind::Plain),
    command("PROCESS_KILL", Kind::Plain),
    command("DEBUG", Kind::Plain),
    command("PING", Kind::Plain),
    command("TIME", Kind::Plain),
    command("DELAYED_INSERT", Kind::Plain),
    command("CHANGE_USER", Kind::Login),
    command("BINLOG_DUMP", Kind::Stream),
    command("TABLE_DUMP", Kind::Stream),
    command("CONNECT_OUT", Kind::Plain),
    command("REGISTER_SLAVE", Kind::Plain),
    command("PREPARE", Kind::Prepare),
    command("EXECUTE", Kind::Execute),
    command("SEND_LONG_DATA", Kind::Silent),
    command("CLOSE", Kind::Close),
    command("RESET", Kind::Plain),
    command("SET_OPTION", Kind::Plain),
    command("FETCH", Kind::Fetch),
    command("DAEMON", Kind::Plain),
    command("BINLOG_DUMP_GTID", Kind::Stream),
    command("RESET_CONNECTION", Kind::Reset),
];
/// MariaDB's `COM_STMT_BULK_EXECUTE`: a statement with many sets of values.
static BULK_EXECUTE: Command = command("EXECUTE", Kind::Execute);
/// The login at the start of a connection, which has no code.
pub(super) static CONNECT: Command = command("CONNECT", Kind::Login);
/// Whatever was answered by an answer that is here before it.
pub(super) static UNSEEN: Command = command("QUERY", Kind::Results);

impl Command {
    /// The command with a code.
    pub(super) fn of(code: u8) -> Option<&'static Command> {
        match code {
            0xfa => Some(&BULK_EXECUTE),
            _ => COMMANDS.get(usize::from(code)),
        }
    }

    /// Bytes of a payload of `length` that tell what is asked. More than a run's budget, less its headers, would
    /// never be there.
    pub(super) fn wanted(&self, length: usize) -> usize {
        let most = match self.kind {
            Kind::Query | Kind::Prepare | Kind::Login => 4000,
            Kind::InitDb => 1024,
            Kind::Execute | Kind::Fetch | Kind::Close => 5,
            _ => 1,
        };
        length.min(most)
    }
}

/// The id of the prepared statement that a command is about.
pub(super) fn statement_id(payload: &[u8]) -> Option<u32> {
    payload.get(1..5).map(|id| little(id) as u32)
}

/// MariaDB: the statement that was prepared last, perhaps a moment ago.
pub(super) const LAST_PREPARED: u32 = u32::MAX;

/// The SQL of a query. `attributes` tells whether values stand before it (CLIENT_QUERY_ATTRIBUTES), `None` where
/// the login was not seen.
pub(super) fn query(payload: &[u8], attributes: Option<bool>) -> &[u8] {
    let text = payload.get(1..).unwrap_or_default();
    let attributes = attributes.unwrap_or_else(|| {
        // A count, and one set of values: no SQL has such bytes.
        matches!(text, [0..=0x1f, 1, ..]) && !text.first().is_some_and(u8::is_ascii_whitespace)
    });
    if attributes { behind_attributes(text).unwrap_or_default() } else { text }
}

/// Passes over a query's attributes (MySQL's documentation of `COM_QUERY`).
fn behind_attributes(bytes: &[u8]) -> Option<&[u8]> {
    let (count, rest) = number(bytes)?;
    let (_sets, rest) = number(rest)?;
    if count == 0 {
        return Some(rest);
    }
    let nulls = usize::try_from(count.div_ceil(8)).ok()?;
    let (nulls, mut rest) = (rest.get(..nulls)?, rest.get(nulls + 1..)?);
    let mut types = [0u8; MOST_ATTRIBUTES];
    let types = types.get_mut(..usize::try_from(count).ok()?)?;
    for kind in types.iter_mut() {
        *kind = *rest.first()?;
        let (name, behind) = number(rest.get(2..)?)?;
        rest = behind.get(usize::try_from(name).ok()?..)?;
    }
    for (place, kind) in types.iter().enumerate() {
        let null = nulls.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1);
        let length = match kind {
            _ if null => 0,
            6 => 0,
            1 => 1,
            2 | 13 => 2,
            3 | 4 | 9 => 4,
            5 | 8 => 8,
            // Dates and times have a byte of length, strings a number: both can be read as one.
            _ => {
                let (length, behind) = number(rest)?;
                rest = behind;
                usize::try_from(length).ok()?
            }
        };
        rest = rest.get(length..)?;
    }
    Some(rest)
}

const MOST_ATTRIBUTES: usize = 64;

/// The database that `COM_INIT_DB` selects.
pub(super) fn database(payload: &[u8]) -> Option<Text> {
    name(payload.get(1..)?)
}

/// The database that `COM_CHANGE_USER` selects.
pub(super) fn change_user_database(payload: &[u8]) -> Option<Text> {
    let (_user, rest) = string(payload.get(1..)?)?;
    let (&length, rest) = rest.split_first()?;
    name(string(rest.get(usize::from(length)..)?)?.0)
}

/// The name of a database.
pub(super) fn name(bytes: &[u8]) -> Option<Text> {
    // Names have at most 64 characters.
    (!bytes.is_empty()).then(|| bounded(bytes, 256))
}
