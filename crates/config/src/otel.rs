//! The variables by which OpenTelemetry tells all programs where to export to, as an entry of the key `otlp`.

use std::ffi::OsString;

use crate::keys::KEYS;
use crate::kind::{Kind, Value};
use crate::problem::{Problem, Problems};

/// The key that they set.
pub(crate) const KEY: &str = "otlp";
/// The variable without which the others mean nothing.
pub(crate) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// How their names begin.
const PREFIX: &str = "OTEL_EXPORTER_OTLP_";
/// One that does not: milliseconds.
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";

/// Variables, the fields that they set, and how their values become the field's.
const VARIABLES: &[(&str, &str, Form)] = &[
    (ENDPOINT, "endpoint", Form::Same),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "protocol", Form::Protocol),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "compression", Form::Same),
    ("OTEL_EXPORTER_OTLP_HEADERS", "headers", Form::Headers),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "timeout", Form::Milliseconds),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "tls_ca", Form::Same),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "tls_cert", Form::Same),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "tls_key", Form::Same),
    (INTERVAL, "interval", Form::Milliseconds),
];

#[derive(Debug, Clone, Copy)]
enum Form {
    Same,
    Milliseconds,
    Protocol,
    Headers,
}

/// True for a variable that may be meant for Weir as for every other program.
pub fn is_variable(name: &str) -> bool {
    name.starts_with(PREFIX) || name == INTERVAL
}

/// What the variables say.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// The value of the key; none where they name no receiver.
    pub(crate) value: Option<Value>,
    pub(crate) problems: Problems,
    pub(crate) warnings: Vec<String>,
}

/// Reads them.
pub(crate) fn destination(variables: &[(OsString, OsString)]) -> Read {
    let mut read = Read::default();
    let given = |name: &str| {
        let found = variables.iter().find(|(own, value)| own == name && !value.is_empty());
        found.map(|(_, value)| value.to_string_lossy().into_owned())
    };
    for signal in ["TRACES", "METRICS"] {
        let name = format!("{PREFIX}{signal}_ENDPOINT");
        if given(&name).is_some() {
            let hint = format!("set {ENDPOINT}, or the key {KEY}");
            read.warnings.push(format!("the variable {name} has no effect: {hint}"));
        }
    }
    let Some(key) = KEYS.iter().find(|key| key.path == KEY).filter(|_| given(ENDPOINT).is_some()) else {
        return read;
    };
    let Kind::Records { fields, .. } = key.kind else { return read };
    let mut record = Vec::new();
    // In the order of the fields, as a file's are.
    for field in fields {
        let Some((name, _, form)) = VARIABLES.iter().find(|(_, own, _)| *own == field.name) else { continue };
        let Some(text) = given(name) else { continue };
        let value = match form {
            Form::Headers => headers(&text),
            Form::Same => field.kind.text(&text, false).map_err(|problems| problems.to_string()),
            Form::Protocol => protocol(&text),
            Form::Milliseconds => {
                field.kind.text(&format!("{}ms", text.trim()), false).map_err(|problems| problems.to_string())
            }
        };
        match value {
            Ok(value) => record.push((field.name, value)),
            Err(message) => read.problems.push(Problem::of(name, message)),
        }
    }
    read.value = Some(Value::Records(vec![record])).filter(|_| read.problems.is_empty());
    read
}

fn protocol(text: &str) -> Result<Value, String> {
    match text {
        "grpc" => Ok(Value::Text("grpc".into())),
        "http/protobuf" => Ok(Value::Text("http".into())),
        _ => Err("it may be grpc or http/protobuf".into()),
    }
}

/// `name=value,name=value`, with values as URLs have them.
fn headers(text: &str) -> Result<Value, String> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    // Of what is no header, nothing is shown: it may be a secret.
    let wrong = || "it has to be name=value, with commas between several".to_owned();
    let pairs: Result<Vec<_>, _> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
            let (name, value) = (name.trim(), decoded(value.trim()).ok_or_else(wrong)?);
            if name.is_empty() { Err(wrong()) } else { Ok((name.to_owned(), value)) }
        })
        .collect();
    pairs.map(Value::Table)
}

/// A text in which some bytes are written `%XX`.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Read {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.into(), value.into())).collect();
        destination(&pairs)
    }

    #[test]
    fn variables_become_an_entry() {
        let read = of(&[
            (ENDPOINT, "http://collector:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%3Db, x = 1"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "5000"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", ""),
            (INTERVAL, "15000"),
        ]);
        assert!(read.problems.is_empty() && read.warnings.is_empty(), "{read:?}");
        let Some(Value::Records(records)) = read.value else { panic!("no entry") };
        let names: Vec<&str> = records[0].iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["endpoint", "protocol", "headers", "timeout", "interval"]);
        let headers = vec![("api-key".to_owned(), "a=b".to_owned()), ("x".to_owned(), "1".to_owned())];
        assert_eq!(records[0][2].1, Value::Table(headers));
        assert_eq!(records[0][3].1, Value::Duration(crate::units::Duration(5_000_000_000)));
    }

    #[test]
    fn without_a_receiver_they_mean_nothing() {
        let read = of(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), (ENDPOINT, "")]);
        assert!(read.value.is_none() && read.problems.is_empty());
        let read = of(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://x/v1/traces")]);
        assert!(read.value.is_none() && read.warnings.len() == 1);
    }

    #[test]
    fn mistakes_are_told_without_secrets() {
        let read = of(&[
            (ENDPOINT, "http://user:secret@collector"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ]);
        let told = read.problems.to_string();
        assert!(read.value.is_none() && told.lines().count() == 4 && !told.contains("secret"), "{told}");
    }
}
