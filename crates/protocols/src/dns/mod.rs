//! DNS: in datagrams, and over TCP ([`stream`]).
//!
//! Sources: RFC 1035 (messages, names), RFC 6891 (EDNS), RFC 7766 (TCP), RFC 1996 (NOTIFY), RFC 2136 (UPDATE), RFC 5936 (zone
//! transfers), RFC 6762 (multicast), and the registry
//! <https://www.iana.org/assignments/dns-parameters/dns-parameters.xhtml>.
//!
//! * `detect`: is it DNS? [`stream`]: the same over TCP, and where a message ends there.
//! * `codes`: numbers and their names.
//! * `name` and `message`: readers of one name and one message.
//! * [`Conversation`]: which answer belongs to which query.
//! * `record`: what a finished exchange tells; [`resolved`] reads from it which name led to which addresses.
//!
//! # What is one exchange
//!
//! | case | rule |
//! |---|---|
//! | several queries outstanding, answers in any order | joined by id, question's name (whatever its case), type and class |
//! | the same id and question again, before the answer | the same exchange; how often is told. A second answer is none of anything |
//! | a response code other than NOERROR | an error of that name; no records and NOERROR is no error |
//! | a response without a question (FORMERR, ...) | joined by id alone |
//! | no answer within 12 s, or before the socket is closed | an exchange that was cut, once [`crate::Conversation::expire`] or its end tells |
//! | an answer whose query was not seen | counted as unparsed, no exchange |
//! | several questions in one message | the first counts; of multicast each is an exchange |
//! | NOTIFY, UPDATE and other operations | named by the operation |
//! | zone transfers over TCP | one exchange, to the last message that came |
//! | a truncated answer | an exchange, marked so; the same question over TCP is another one |
//! | multicast: queries | an exchange once the first answer comes that has the name and type; none without |
//! | multicast: announcements, further answers | no exchange |
//! | a type that has no name | named `OTHER`, so that names stay few |
//!
//! After a gap in a TCP connection reading begins again where a new run of the party begins; what was outstanding
//! when responses were missed, and stays so, is told as incomplete. A datagram is always a beginning.

mod codes;
mod conversation;
mod detect;
mod message;
mod name;
mod record;
pub mod stream;

pub use codes::error_words;
pub use conversation::Conversation;
pub use detect::detect;
pub use record::{Resolved, resolved};
