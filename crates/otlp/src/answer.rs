//! The few messages that receivers answer with.

use std::time::Duration;

use prost::Message;

/// The answer to a message that was taken: the same of spans and of metrics.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Taken {
    #[prost(message, optional, tag = "1")]
    pub(crate) partial: Option<Partial>,
}

/// What was not taken of it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Partial {
    #[prost(int64, tag = "1")]
    pub(crate) rejected: i64,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Delay {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

impl Status {
    /// The delay that a `RetryInfo` among the details asks for.
    pub(crate) fn retry(&self) -> Option<Duration> {
        let info = self.details.iter().find(|detail| detail.kind.ends_with("/google.rpc.RetryInfo"))?;
        let delay = RetryInfo::decode(&*info.value).ok()?.delay.unwrap_or_default();
        let nanos = u32::try_from(delay.nanos).unwrap_or(0).min(999_999_999);
        Some(Duration::new(u64::try_from(delay.seconds).unwrap_or(0), nanos))
    }
}
