//! Why a message was not taken, and what that is called by HTTP and gRPC: OTLP 1.9, "OTLP/gRPC Response" and "OTLP/HTTP Response".

use axum::http::StatusCode;

use crate::ingest::body::NoBody;

/// When it may be tried again where there was no room.
const SOON: u32 = 1;
/// The same where the disk is in trouble.
const LATER: u32 = 5;

/// Why it was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no room at present.
    Busy,
    /// The disk did not take it.
    NotStored(String),
    /// The server ends.
    Closing,
    /// It did not come within the time for it.
    TooSlow,
    /// It is larger than this.
    TooLarge(usize),
    /// It is no such message.
    Malformed(String),
    /// It is written in another way than those that are known.
    Media,
    /// It is packed in another way than those that are known.
    Packing,
    /// It can never be stored.
    Unfit(String),
    /// Weir did something wrong.
    Fault,
}

/// Codes of gRPC.
pub(super) mod code {
    pub(crate) const OK: u32 = 0;
    pub(crate) const INVALID_ARGUMENT: u32 = 3;
    pub(crate) const DEADLINE_EXCEEDED: u32 = 4;
    pub(crate) const RESOURCE_EXHAUSTED: u32 = 8;
    pub(crate) const UNIMPLEMENTED: u32 = 12;
    pub(crate) const INTERNAL: u32 = 13;
    pub(crate) const UNAVAILABLE: u32 = 14;
}

impl Refusal {
    pub(super) fn http(&self) -> StatusCode {
        match self {
            Refusal::Busy | Refusal::NotStored(_) | Refusal::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Malformed(_) | Refusal::Unfit(_) => StatusCode::BAD_REQUEST,
            Refusal::Media | Refusal::Packing => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn grpc(&self) -> u32 {
        match self {
            // Without a time to try again, senders would take the first one for final.
            Refusal::Busy | Refusal::TooLarge(_) => code::RESOURCE_EXHAUSTED,
            Refusal::NotStored(_) | Refusal::Closing => code::UNAVAILABLE,
            Refusal::TooSlow => code::DEADLINE_EXCEEDED,
            Refusal::Malformed(_) | Refusal::Unfit(_) => code::INVALID_ARGUMENT,
            Refusal::Media | Refusal::Packing => code::UNIMPLEMENTED,
            Refusal::Fault => code::INTERNAL,
        }
    }

    /// In how many seconds it may be sent again, where it may.
    pub(super) fn again_in(&self) -> Option<u32> {
        match self {
            Refusal::Busy => Some(SOON),
            Refusal::NotStored(_) | Refusal::Closing => Some(LATER),
            _ => None,
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Refusal::Busy => "too much is waiting to be stored: send it again later".into(),
            Refusal::NotStored(why) => format!("not stored: {why}"),
            Refusal::Closing => "the server ends: send it again later".into(),
            Refusal::TooSlow => "the message took too long to come".into(),
            Refusal::TooLarge(most) => {
                format!("a message has {most} bytes at most: send fewer items at a time")
            }
            Refusal::Malformed(why) => format!("this is no OTLP message: {why}"),
            Refusal::Media => "a message is application/x-protobuf or application/json".into(),
            Refusal::Packing => "a message is packed by gzip or zstd, or not at all".into(),
            Refusal::Unfit(why) => why.clone(),
            Refusal::Fault => "a fault of the server".into(),
        }
    }
}

impl From<NoBody> for Refusal {
    fn from(none: NoBody) -> Self {
        match none {
            NoBody::TooLarge(most) => Refusal::TooLarge(most),
            NoBody::NoRoom => Refusal::Busy,
            NoBody::TooSlow => Refusal::TooSlow,
            NoBody::Broken(why) => Refusal::Malformed(why),
        }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy { .. } | store::Error::TooOld { .. } => Refusal::Busy,
            store::Error::Closed => Refusal::Closing,
            store::Error::Unfit(_) => Refusal::Unfit(error.to_string()),
            other => Refusal::NotStored(other.to_string()),
        }
    }
}
