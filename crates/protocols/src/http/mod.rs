//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).
//!
//! * `detect`: is it HTTP/1?
//! * `line`: where a line ends, and the value of a field line.
//! * `head`: start line and the few header fields that matter, line by line.
//! * `body`: how long a body is (RFC 9112, 6.3) and where its chunks end. Bodies are never read.
//! * [`Conversation`]: which response answers which request.
//! * `record`: what a finished exchange tells.
//! * [`Routes`]: path templates, learnt.
//!
//! # What is one exchange
//!
//! | case | rule |
//! |---|---|
//! | interim responses (1xx but 101) | not final: their bytes count for the response, their time does not |
//! | 101, CONNECT answered 2xx | the exchange ends with the response's head; what follows is looked at anew, but for WebSocket |
//! | `text/event-stream` | the exchange ends with the response's head, marked as waiting: many servers send the head with the first event only |
//! | a long poll | marked as waiting when the request asks for it, see below |
//! | a body that ends with the connection | whole when the server closes in good order |
//! | a response whose request was not seen | counted as unparsed, no exchange |
//! | a gap inside a head whose start line was seen | an exchange, marked incomplete; what is missing counts for it |
//! | a gap inside a chunked body | the message goes on until the other party does, or the connection ends; told late, but whole |
//! | a final response to `Expect: 100-continue`, then another request | the body was not sent |
//! | start lines inside bodies | not believed, nor anywhere in a run after a message of which nothing more is known |
//!
//! # Long polls
//!
//! A request asks the server to wait when it carries `Prefer: wait=…` (RFC 7240, 4.3), or a query parameter
//! by which the widespread long-polling interfaces ask for it: `wait` together with `index` (Consul),
//! `watch` (Kubernetes) or `longpoll`, with a value other than 0 and false; or `timeout` other than 0 where
//! the path ends in `/sync` (Matrix) or `/getUpdates` (Telegram). A bare `timeout` elsewhere bounds work and
//! does not ask to wait. The mark depends on the request alone, as for the blocking commands of Redis.

mod body;
mod conversation;
mod detect;
mod head;
mod line;
mod method;
mod record;
mod resync;
mod routes;
mod segment;
mod target;
mod tree;

pub use conversation::Conversation;
pub use detect::detect;
pub use routes::Routes;
