//! PostgreSQL's protocol, version 3, and what speaks it too: PgBouncer, and many databases that are not PostgreSQL.
//!
//! Source: the documentation of PostgreSQL, chapter "Frontend/Backend Protocol"
//! (<https://www.postgresql.org/docs/current/protocol.html>): "Message Flow" for what follows what, "Message Formats" for
//! the layouts, "Error and Notice Message Fields".
//!
//! * `detect`: is it PostgreSQL?
//! * `frames`: one message after the other, of which only the wanted part of the body is read.
//! * `frontend` and `backend`: what the messages of a client and of a server say.
//! * `prepared`: prepared statements and portals of a connection, by name.
//! * [`Conversation`]: which answer belongs to which request.
//! * `record`: what a finished exchange tells.
//!
//! # What is one exchange
//!
//! | case | rule |
//! |---|---|
//! | Query, with one statement or several | one exchange, up to ReadyForQuery |
//! | Parse, Bind, Describe, Execute | one exchange for each Execute, with what leads to it; ends with its CommandComplete, EmptyQueryResponse, PortalSuspended or ErrorResponse |
//! | an error within a pipeline | the exchange that failed has the SQLSTATE; those that the server skipped up to the Sync have the error `aborted` |
//! | an error of the Sync itself (a commit that fails) | `SYNC`, which is not shown otherwise |
//! | Parse, Bind, Describe, Close without Execute up to the Sync | one exchange: `PREPARE`, `BIND`, `DESCRIBE` or `CLOSE` |
//! | Execute of what is not known, as it was prepared before Weir looked | `EXECUTE`, marked incomplete |
//! | Parse or Bind, of which the end and what is behind it was not captured | what its answer tells that it is, marked incomplete |
//! | COPY | one exchange, the data included |
//! | FunctionCall | `FUNCTION CALL` |
//! | start-up and authentication | `CONNECT`, up to the first ReadyForQuery or the error |
//! | CancelRequest | `CANCEL`, which is never answered |
//! | START_REPLICATION | ends with CopyBothResponse; the connection is left alone |
//! | TLS or GSSAPI encryption granted | the connection is left alone |
//! | notices, parameters, notifications | no answers |
//!
//! # After a gap
//!
//! Rows, of which a large result is made, need not be seen. Where the middle of an answer was left out, reading goes on
//! with the message that ends the answer if it is the last thing of what is visible, together with ReadyForQuery, and
//! only one such end is due. Otherwise what is outstanding is told as incomplete when the client goes on.
//!
//! Where events were lost, requests and answers may both be missing, and one is known long before the other: no end of an answer is
//! believed then. Requests that were not seen leave a mark among those outstanding (`Kind::Unseen`), which takes what is answered
//! from there on. It is known again what belongs together when the client speaks after the server said that it waits
//! (`resynchronise`).

mod backend;
mod conversation;
mod detect;
mod frames;
mod frontend;
mod prepared;
mod record;
#[cfg(test)]
mod wire;

pub use conversation::Conversation;
pub use detect::detect;
