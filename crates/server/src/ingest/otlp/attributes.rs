//! Attributes as texts by their names, those of an item and those of its resource.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::names;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as Told;

/// Attributes of an item, and as many of its resource: what SDKs send at most unless they are told otherwise. All are compared
/// with one another.
const MOST: usize = 128;

/// Who sent items.
#[derive(Debug, Default)]
pub(super) struct Resource<'a> {
    pub(super) service: Option<Cow<'a, str>>,
    pub(super) host: Option<Cow<'a, str>>,
    others: Vec<(&'a str, Cow<'a, str>)>,
    is_cut: bool,
}

impl<'a> Resource<'a> {
    pub(super) fn of(told: Option<&'a Told>) -> Self {
        let mut resource = Resource::default();
        for attribute in told.map(|told| told.attributes.as_slice()).unwrap_or_default() {
            let value = text(attribute.value.as_ref());
            match attribute.key.as_str() {
                names::SERVICE_NAME => resource.service = Some(value),
                names::HOST_NAME => resource.host = Some(value),
                _ if resource.others.len() == MOST => resource.is_cut = true,
                key => resource.others.push((key, value)),
            }
        }
        resource
    }
}

/// The attributes of one item after the other, with those of their resource that they do not have themselves.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    all: Vec<(&'a str, Cow<'a, str>)>,
    bytes: usize,
    is_cut: bool,
}

impl<'a> Attributes<'a> {
    /// Those of the next item. `takes` gets each first, and says whether it has a column of its own.
    pub(super) fn begin(
        &mut self,
        told: &'a [KeyValue],
        mut takes: impl FnMut(&'a str, &Cow<'a, str>) -> bool,
    ) {
        self.all.clear();
        self.bytes = 0;
        self.is_cut = false;
        for attribute in told {
            let value = text(attribute.value.as_ref());
            if !takes(&attribute.key, &value) {
                self.add(&attribute.key, value);
            }
        }
    }

    /// Adds one, unless there is one of its name. Of too many the last are left out.
    pub(super) fn add(&mut self, key: &'a str, value: Cow<'a, str>) {
        if self.all.len() >= MOST {
            self.is_cut = true;
        } else if self.all.iter().all(|(own, _)| *own != key) {
            self.bytes += key.len() + value.len();
            self.all.push((key, value));
        }
    }

    /// Adds those of the resource.
    pub(super) fn inherit(&mut self, resource: &'a Resource<'a>) {
        let own = self.all.len();
        self.is_cut |= resource.is_cut;
        for (key, value) in &resource.others {
            if self.all[..own].iter().all(|(own, _)| own != key) {
                self.bytes += key.len() + value.len();
                self.all.push((key, Cow::Borrowed(value)));
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().map(|(key, value)| (*key, &**value))
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// A value as text: as it is, as JSON where it has parts, as base64 where it is bytes.
pub(super) fn text(value: Option<&AnyValue>) -> Cow<'_, str> {
    match value.and_then(|value| value.value.as_ref()) {
        None => Cow::Borrowed(""),
        Some(Value::StringValue(text)) => Cow::Borrowed(text),
        Some(Value::BoolValue(true)) => Cow::Borrowed("true"),
        Some(Value::BoolValue(false)) => Cow::Borrowed("false"),
        Some(Value::IntValue(number)) => Cow::Owned(number.to_string()),
        Some(Value::DoubleValue(number)) => Cow::Owned(number.to_string()),
        Some(Value::BytesValue(bytes)) => Cow::Owned(STANDARD.encode(bytes)),
        Some(Value::StringValueStrindex(_)) => Cow::Borrowed(""),
        Some(parts @ (Value::ArrayValue(_) | Value::KvlistValue(_))) => Cow::Owned(json(parts).to_string()),
    }
}

/// As deep as messages may be, which whoever decodes them bounds.
fn json(value: &Value) -> serde_json::Value {
    let of = |value: &AnyValue| value.value.as_ref().map_or(serde_json::Value::Null, json);
    match value {
        Value::ArrayValue(all) => all.values.iter().map(of).collect(),
        Value::KvlistValue(all) => {
            let value = |pair: &KeyValue| pair.value.as_ref().map_or(serde_json::Value::Null, of);
            all.values.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
        }
        Value::StringValue(text) => text.as_str().into(),
        Value::BoolValue(yes) => (*yes).into(),
        Value::IntValue(number) => (*number).into(),
        Value::DoubleValue(number) => (*number).into(),
        Value::BytesValue(bytes) => STANDARD.encode(bytes).into(),
        Value::StringValueStrindex(_) => serde_json::Value::Null,
    }
}
