//! Messages on their way to one receiver.
//!
//! They wait in a queue that is bounded by bytes, and beyond that on disk if that is wanted ([`Route`]). Each is sent until it is
//! taken, or until the receiver says that it never will be ([`deliver`]), over one connection that is kept, with TLS and client
//! certificates where they are wanted ([`Client`]). What is not sent is counted by cause ([`Counts`]). What a message is and what
//! is said to a receiver is up to whoever sends ([`Speak`]).

mod config;
mod counts;
mod deliver;
mod endpoint;
mod payload;
mod queue;
mod retry;
mod spool;
mod transport;

pub use config::{Spool, Tls, Way};
pub use counts::{Cause, Counts};
pub use deliver::{Route, deliver};
pub use endpoint::{Endpoint, EndpointError};
pub use payload::{Compression, Kind, Payload};
pub use retry::{Outcome, of_grpc, of_http};
pub use transport::{ANSWER_BYTES, Client, ClientError, Speak, TlsError, cause, shown};
