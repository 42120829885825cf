//! MySQL and MariaDB: the client/server protocol, version 10.
//!
//! Sources: <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html> and
//! <https://mariadb.com/kb/en/clientserver-protocol/>.
//!
//! * `detect`: is it MySQL?
//! * `packet`: headers, numbers, and the packets that end an answer.
//! * `handshake`: the server's greeting and the client's login. Passwords are passed over.
//! * `command`: the commands, and what is read of one. Values of prepared statements are passed over.
//! * `reply`: reads the answer to one command. Rows are passed over, but counted.
//! * `statements`: what was prepared on the connection.
//! * `reading`: the settings that decide where a literal ends.
//! * [`Conversation`]: which answer belongs to which command.
//! * `record`: what a finished exchange tells.
//!
//! # What is one exchange
//!
//! | case | rule |
//! |---|---|
//! | several statements in one query, several results of a procedure | one; rows and changes are summed up |
//! | PREPARE, CLOSE, RESET, FETCH, PING, INIT_DB, ... | one each, named by the command |
//! | EXECUTE | named by the statement that was prepared; `EXECUTE` and incomplete (`start`) where that was not seen |
//! | login, with all that is said about passwords | one, `CONNECT`; so is a refusal in place of a greeting |
//! | COM_CHANGE_USER | the same, `CHANGE_USER` |
//! | LOAD DATA LOCAL | one; the file's packets are part of the request |
//! | CLOSE, SEND_LONG_DATA, QUIT | no answer comes: the exchange is the command |
//! | BINLOG_DUMP | ends with the first packet of the stream, which comes at once; the connection is left alone |
//! | a login that asks for TLS or compression | the connection is left alone from there, labelled `tls`, `compressed` |
//! | an answer whose command was not seen | counted as unparsed, no exchange |
//!
//! # Results that are larger than what is captured
//!
//! Rows are passed over by the lengths of their packets. Where a run's budget is used up, the place in the rows is
//! lost: the rest is counted in bytes, and the number of rows is not told. The packet that ends the rows is looked for
//! at the very end of what is shown behind the gap (the tails of what the server sends are). Where it is not found, the
//! exchange is told when the client goes on: incomplete (`response`), its end being the last byte of the answer.

mod command;
mod conversation;
mod detect;
mod handshake;
mod packet;
mod reading;
mod record;
mod reply;
mod statements;

pub use conversation::Conversation;
pub use detect::detect;
