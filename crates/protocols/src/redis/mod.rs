//! Redis, and what speaks its protocol: RESP2 and RESP3.
//!
//! Sources: <https://redis.io/docs/latest/develop/reference/protocol-spec/>, the RESP3 specification
//! (<https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md>), and `networking.c` of
//! Redis for what a server does with inline commands and empty lines.
//!
//! * `detect`: is it Redis?
//! * `commands`: the commands that have a name of their own, and what is special about some.
//! * `errors`: the words with which the server's own errors begin.
//! * `inline`: the words of a command that is not sent as an array.
//! * `command` and `reply`: readers of one message. Values are passed over, never read.
//! * [`Conversation`]: which reply answers which command.
//! * `record`: what a finished exchange tells.
//!
//! # What is one exchange
//!
//! | case | rule |
//! |---|---|
//! | pipelines, MULTI, EXEC | each command is one exchange; one queued by MULTI ends with its `+QUEUED` |
//! | SUBSCRIBE and its like | ends with the last of its confirmations, UNSUBSCRIBE of everything with the first; messages are no replies |
//! | push messages (`>`) | no replies, but for the confirmations of SUBSCRIBE |
//! | MONITOR, SYNC, PSYNC | ends with the first line of the reply; the connection is left alone |
//! | REPLCONF ACK, REPLCONF GETACK | have no reply and are no exchange: a replica followed its master before the connection was seen, and it is left alone |
//! | after CLIENT REPLY OFF or SKIP | once it shows that the server accepted it (by a later reply, or by a second of silence), the exchange is the command; an error shows that it was refused, and then all is as before; queued by MULTI it holds from EXEC on |
//! | SUBSCRIBE in MULTI | the reply to EXEC holds each confirmation, though it announces one element a command; messages in it are none |
//! | an inline command with quotes that do not close | one with an error: the server refuses it and closes |
//! | BLPOP and its like, WAIT, XREAD with BLOCK | marked as waiting: the command asks for it, whether or not it had to wait; not so when queued by MULTI |
//! | a command that is not in the table | named `OTHER`, so that names stay few |
//! | a reply whose command was not seen | counted as unparsed, no exchange |
//! | a gap inside a command whose name was seen | an exchange, marked incomplete |
//!
//! After a gap the count of commands, or of replies, is not known. So reading begins again only where a new
//! run of the party begins; what was outstanding when replies were missed is told as incomplete.

mod command;
mod commands;
mod conversation;
mod detect;
mod errors;
mod inline;
mod record;
mod reply;
mod scan;

pub use conversation::Conversation;
pub use detect::detect;
pub use errors::error_words;
