//! A request as the API tells it: as `weir requests --json` does.

use std::collections::BTreeMap;

use model::names;
use schema::Table;
use schema::query::Cell;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::figures::seconds_of;
use super::params::rfc3339;

/// One exchange as one of its ends saw it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// By which it is found again: `GET /api/v1/requests/{id}`.
    pub id: String,
    /// Its first byte, as this end saw it: RFC 3339.
    pub time: String,
    /// From the first byte of the request to the last of the response: seconds.
    pub duration: f64,
    /// The end that saw it: `server` or `client`.
    pub role: String,
    /// `http`, `redis`, ...
    pub protocol: String,
    /// What was asked, of low cardinality.
    pub name: String,
    /// `ok` or `error`.
    pub status: String,
    /// How it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Who asked.
    pub client: End,
    /// Who answered.
    pub server: End,
    /// The process at the end that saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// The host of the end that saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The request on the wire.
    pub request: Size,
    /// The response on the wire.
    pub response: Size,
    /// All else that is known of it, by the names of OpenTelemetry's conventions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
    /// The end of a connection that it came by.
    pub connection: String,
    /// Its time is the caller's wish to wait, no latency.
    pub waiting: bool,
    /// What of it was not seen: `request`, `response` or `start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// The trace that it belongs to: `GET /api/v1/traces/{trace}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// An end of a connection.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct End {
    /// Its address, or its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Process {
    /// Its id, in the host's first namespace.
    pub pid: i64,
    /// The thread that handled the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid: Option<i64>,
    /// Its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Its service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// How large something is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Size {
    /// Bytes.
    pub bytes: u64,
}

fn string(cell: Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

/// Who has no name is called by his address, which is told as such.
fn service(cell: Cell) -> Option<String> {
    string(cell).filter(|name| name.parse::<std::net::IpAddr>().is_err())
}

fn number(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Number(number) => Some(*number),
        _ => None,
    }
}

impl Record {
    /// From a row of `requests`.
    pub fn of(columns: &[String], row: Vec<Cell>) -> Record {
        let mut record = Record { status: "ok".into(), ..Record::default() };
        let (mut time, mut duration) = (0, 0);
        let (mut pid, mut process) = (None, Process::default());
        let (mut host, mut place) = (None, None);
        for (column, cell) in columns.iter().zip(row) {
            match column.as_str() {
                _ if cell == Cell::Null => {}
                "time" => time = number(&cell).unwrap_or_default(),
                "duration" => duration = number(&cell).unwrap_or_default(),
                "role" => record.role = string(cell).unwrap_or_default(),
                names::NETWORK_PROTOCOL_NAME => record.protocol = string(cell).unwrap_or_default(),
                "name" => record.name = string(cell).unwrap_or_default(),
                names::ERROR_TYPE => {
                    record.status = "error".into();
                    record.error = string(cell);
                }
                names::CLIENT => record.client.service = service(cell),
                names::SERVER => record.server.service = service(cell),
                "weir.client.address" => record.client.address = string(cell),
                "weir.client.port" => {
                    record.client.port = number(&cell).and_then(|port| port.try_into().ok())
                }
                "weir.server.address" => record.server.address = string(cell),
                "weir.server.port" => {
                    record.server.port = number(&cell).and_then(|port| port.try_into().ok())
                }
                names::PROCESS_PID => pid = number(&cell),
                names::THREAD_ID => process.tid = number(&cell),
                names::PROCESS_EXECUTABLE_NAME => process.command = string(cell),
                names::SERVICE_NAME => process.service = string(cell),
                names::HOST_NAME => host = string(cell),
                names::WEIR_CONNECTION => record.connection = string(cell).unwrap_or_default(),
                names::WEIR_REQUEST_SIZE => {
                    record.request.bytes = number(&cell).unwrap_or_default().unsigned_abs()
                }
                names::WEIR_RESPONSE_SIZE => {
                    record.response.bytes = number(&cell).unwrap_or_default().unsigned_abs()
                }
                names::WEIR_WAITING => record.waiting = cell == Cell::Flag(true),
                names::WEIR_MISSING => record.incomplete = string(cell),
                "weir.trace" => place = string(cell),
                "weir.span" | "weir.parent" | "weir.evidence" | "weir.sequence" => {}
                "attributes" => {
                    if let Cell::Map(pairs) = cell {
                        record
                            .attributes
                            .extend(pairs.into_iter().map(|(name, text)| (name, Value::String(text))));
                    }
                }
                other => {
                    if let Ok(value) = serde_json::to_value(cell) {
                        record.attributes.insert(other.to_owned(), value);
                    }
                }
            }
        }
        record.time = rfc3339(time);
        record.duration = seconds_of(duration as f64);
        record.id = id(&record.connection, time, duration);
        record.process = pid.map(|pid| Process { pid, ..process });
        record.host = host;
        record.trace = record.attributes.get("trace_id").and_then(Value::as_str).map(str::to_owned).or(place);
        record
    }
}

/// By which a request is found again: the end of a connection, its time, and its duration: what is pipelined begins all at once.
pub(super) fn id(connection: &str, time: i64, duration: i64) -> String {
    format!("{connection}-{time:x}-{duration:x}")
}

/// The connection, the time and the duration of an id.
pub(super) fn parse_id(id: &str) -> Option<(&str, i64, i64)> {
    let mut parts = id.splitn(3, '-');
    let connection =
        parts.next().filter(|id| id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    let mut number =
        || parts.next().filter(|text| text.len() <= 16).and_then(|text| i64::from_str_radix(text, 16).ok());
    Some((connection, number()?, number()?))
}

/// The columns of a table.
pub(super) fn columns(table: Table) -> Vec<String> {
    table.columns().iter().map(|column| column.name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_told_as_a_live_request_is() {
        let row: Vec<(&str, Cell)> = vec![
            ("time", Cell::Number(1_795_161_600_123_456_789)),
            ("duration", Cell::Number(213_000)),
            ("service.name", Cell::Text("nginx".into())),
            ("host.name", Cell::Text("a".into())),
            ("role", Cell::Text("server".into())),
            ("network.protocol.name", Cell::Text("http".into())),
            ("name", Cell::Text("GET /users/{id}".into())),
            ("error.type", Cell::Text("500".into())),
            ("client", Cell::Text("shop".into())),
            ("server", Cell::Text("nginx".into())),
            ("weir.client.address", Cell::Text("10.0.0.7".into())),
            ("weir.client.port", Cell::Number(40112)),
            ("weir.server.address", Cell::Text("10.0.0.9".into())),
            ("weir.server.port", Cell::Number(80)),
            ("process.pid", Cell::Number(812)),
            ("process.executable.name", Cell::Text("nginx".into())),
            ("thread.id", Cell::Number(813)),
            ("weir.connection", Cell::Text("00000000000008f2".into())),
            ("weir.request.size", Cell::Number(112)),
            ("weir.response.size", Cell::Number(5120)),
            ("weir.waiting", Cell::Null),
            ("trace_id", Cell::Text("ab".repeat(16))),
            ("http.response.status_code", Cell::Number(500)),
            ("url.path", Cell::Text("/users/7".into())),
            ("attributes", Cell::Map(vec![("user_agent.original".into(), "curl".into())])),
        ];
        let (columns, cells): (Vec<_>, Vec<_>) =
            row.into_iter().map(|(column, cell)| (column.to_owned(), cell)).unzip();
        let record = serde_json::to_value(Record::of(&columns, cells)).expect("JSON");
        let id = "00000000000008f2-18e9b1f6d1c7cd15-34008";
        assert_eq!(
            parse_id(record["id"].as_str().expect("text")),
            Some(("00000000000008f2", 1_795_161_600_123_456_789, 213_000))
        );
        assert_eq!(
            record,
            json!({
                "id": id, "time": "2026-11-20T08:00:00.123456789Z", "duration": 0.000213, "role": "server", "protocol": "http",
                "name": "GET /users/{id}", "status": "error", "error": "500",
                "client": {"address": "10.0.0.7", "port": 40112, "service": "shop"},
                "server": {"address": "10.0.0.9", "port": 80, "service": "nginx"},
                "process": {"pid": 812, "tid": 813, "command": "nginx", "service": "nginx"}, "host": "a",
                "request": {"bytes": 112}, "response": {"bytes": 5120},
                "attributes": {
                    "http.response.status_code": 500, "url.path": "/users/7", "user_agent.original": "curl",
                    "trace_id": "ab".repeat(16),
                },
                "connection": "00000000000008f2", "waiting": false, "trace": "ab".repeat(16),
            })
        );
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            "",
            "-",
            "8f2-1",
            "00000000000008f2",
            "00000000000008f2-",
            "00000000000008f2-xyz",
            "00000000000008g2-1",
            "00000000000008f2-00000000000000001-1",
            "00000000000008f2-1",
            "00000000000008f2-1-1-1",
        ] {
            assert_eq!(parse_id(text), None, "{text}");
        }
    }
}
