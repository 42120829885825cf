//! Settings as text: YAML that can be read again, and JSON.

use serde_json::{Map, Value as Json, json};

use crate::key::Key;
use crate::keys::SECTIONS;
use crate::kind::{AUTO, Kind, Value};
use crate::settings::{Setting, Settings, Source};

/// What is printed in place of a secret.
const HIDDEN: &str = "***";

/// All settings as YAML, each with where it came from.
pub fn yaml(settings: &Settings) -> String {
    let mut out = String::from("# The settings in force. Behind each stands where it came from.\n");
    let mut section = "";
    for (key, setting) in settings.iter() {
        if key.section() != section {
            section = key.section();
            if !section.is_empty() {
                out.push_str(&format!("{section}:\n"));
            }
        }
        entry(&mut out, key, setting);
    }
    out
}

fn entry(out: &mut String, key: &Key, setting: &Setting) {
    let indent = if key.section().is_empty() { "" } else { "  " };
    let source: String =
        setting.source.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let word = key.word();
    let text = |text: &str| if key.secret { quoted(HIDDEN) } else { scalar(text) };
    match &setting.value {
        Value::List(values) if !values.is_empty() => {
            out.push_str(&format!("{indent}{word}: # {source}\n"));
            for value in values {
                out.push_str(&format!("{indent}  - {}\n", text(&plain(value))));
            }
        }
        Value::Table(rows) if !rows.is_empty() => {
            out.push_str(&format!("{indent}{word}: # {source}\n"));
            for (name, value) in rows {
                out.push_str(&format!("{indent}  {}: {}\n", scalar(name), text(value)));
            }
        }
        Value::Records(records) if !records.is_empty() => {
            out.push_str(&format!("{indent}{word}: # {source}\n"));
            for record in records {
                for (number, (name, value)) in record.iter().enumerate() {
                    let dash = if number == 0 { "- " } else { "  " };
                    let value = inline(value, is_secret(key, name));
                    out.push_str(&format!("{indent}  {dash}{name}: {value}\n"));
                }
            }
        }
        Value::List(_) | Value::Records(_) => out.push_str(&format!("{indent}{word}: [] # {source}\n")),
        Value::Table(_) => out.push_str(&format!("{indent}{word}: {{}} # {source}\n")),
        // These are no texts, and stand as they are.
        Value::Auto | Value::Boolean(_) | Value::Number(_) => {
            out.push_str(&format!("{indent}{word}: {} # {source}\n", plain(&setting.value)));
        }
        value => out.push_str(&format!("{indent}{word}: {} # {source}\n", text(&plain(value)))),
    }
}

/// True for a field whose values are not printed.
fn is_secret(key: &Key, field: &str) -> bool {
    let fields = if let Kind::Records { fields, .. } = key.kind { fields } else { &[] };
    key.secret || fields.iter().any(|own| own.name == field && own.secret)
}

/// The value of a record's field, on one line.
fn inline(value: &Value, secret: bool) -> String {
    let text = |text: &str| if secret { quoted(HIDDEN) } else { scalar(text) };
    match value {
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(|value| text(&plain(value))).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Table(rows) => {
            let rows: Vec<String> =
                rows.iter().map(|(name, value)| format!("{}: {}", scalar(name), text(value))).collect();
            format!("{{{}}}", rows.join(", "))
        }
        // These are no texts, and stand as they are.
        Value::Boolean(_) | Value::Number(_) if !secret => plain(value),
        value => text(&plain(value)),
    }
}

/// A value of one word, as it can be read again.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Auto => AUTO.to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Size(value) => value.exact(),
        Value::Duration(value) => value.exact(),
        Value::Percent(value) => value.to_string(),
        Value::Cpu(value) => value.to_string(),
        Value::Text(value) => value.clone(),
        Value::Address(value) => value.to_string(),
        Value::List(_) | Value::Table(_) | Value::Records(_) => String::new(),
    }
}

/// A text as YAML: as it is where no reader of YAML can take it for anything else, else in quotes.
fn scalar(text: &str) -> String {
    const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "null", "y", "n", AUTO];
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    // Numbers with a unit are no numbers to YAML, and addresses are none either.
    let unit = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_alphabetic() || c == '%')
        && !text.contains(['x', 'o', 'e', 'E', '_']);
    let mut characters = text.chars().all(|c| c.is_ascii_alphanumeric() || "/_.@+%*?-".contains(c));
    if WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        characters = false;
    }
    if (begins || unit) && characters { text.to_owned() } else { quoted(text) }
}

/// JSON's strings are YAML's too.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// All settings as one JSON object.
pub fn json(settings: &Settings) -> String {
    let all: Vec<Json> = settings.iter().map(|(key, setting)| object(key, setting)).collect();
    let file = settings.file().map(|path| path.display().to_string());
    let mut text = json!({ "file": file, "settings": all }).to_string();
    text.push('\n');
    text
}

fn object(key: &Key, setting: &Setting) -> Json {
    let mut object = Map::new();
    object.insert("key".into(), key.path.into());
    object.insert("value".into(), json_value(key, &setting.value, key.secret));
    let source = match &setting.source {
        Source::Default => "default",
        Source::File { path, line } => {
            object.insert("file".into(), (&**path).into());
            object.insert("line".into(), (*line).into());
            "file"
        }
        Source::Environment(name) => {
            object.insert("variable".into(), name.as_str().into());
            "environment"
        }
        Source::Flag(name) => {
            object.insert("flag".into(), name.as_str().into());
            "flag"
        }
    };
    object.insert("source".into(), source.into());
    object.into()
}

fn json_value(key: &Key, value: &Value, secret: bool) -> Json {
    match value {
        Value::Auto => AUTO.into(),
        Value::Boolean(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::List(values) => values.iter().map(|value| json_value(key, value, secret)).collect(),
        Value::Table(rows) => rows
            .iter()
            .map(|(name, value)| (name.clone(), Json::from(if secret { HIDDEN } else { value.as_str() })))
            .collect::<Map<_, _>>()
            .into(),
        Value::Records(records) => records
            .iter()
            .map(|record| {
                record
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), json_value(key, value, is_secret(key, name))))
                    .collect::<Map<_, _>>()
            })
            .map(Json::from)
            .collect(),
        _ if secret => HIDDEN.into(),
        value => plain(value).into(),
    }
}

/// The title of a section.
pub(crate) fn title(section: &str) -> &'static str {
    SECTIONS.iter().find(|(name, _)| *name == section).map_or("", |(_, title)| title)
}
