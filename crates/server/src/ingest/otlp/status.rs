//! The few messages that senders are answered with.

use prost::Message;

use super::Taken;
use super::refusal::Refusal;

/// The answer to a message that was taken: the same of all signals.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Answer {
    #[prost(message, optional, tag = "1")]
    pub(super) partial: Option<Partial>,
}

/// What was not taken of it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Partial {
    #[prost(int64, tag = "1")]
    pub(super) rejected: i64,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(uint32, tag = "1")]
    pub(super) code: u32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Delay {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

impl From<Taken> for Answer {
    fn from(taken: Taken) -> Self {
        let partial = || Partial {
            rejected: i64::try_from(taken.rejected).unwrap_or(i64::MAX),
            message: taken.message.into(),
        };
        // Where all is well the field must not be there.
        Answer { partial: (taken.rejected > 0 || !taken.message.is_empty()).then(partial) }
    }
}

impl Answer {
    /// As JSON, where numbers of 64 bits are texts.
    pub(super) fn json(&self, rejected: &str) -> serde_json::Value {
        match &self.partial {
            None => serde_json::json!({}),
            Some(partial) => serde_json::json!({ "partialSuccess": {
                rejected: partial.rejected.to_string(), "errorMessage": partial.message
            }}),
        }
    }
}

impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Self {
        let delay = |seconds: u32| Any {
            kind: RETRY_INFO.into(),
            value: RetryInfo { delay: Some(Delay { seconds: seconds.into() }) }.encode_to_vec(),
        };
        Status {
            code: refusal.grpc(),
            message: refusal.message(),
            details: refusal.again_in().map(delay).into_iter().collect(),
        }
    }
}

impl Status {
    /// As JSON: code and text, which is what people look for.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "code": self.code, "message": self.message })
    }
}
