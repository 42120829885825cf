//! What is written is what was meant, and it is JSON.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use export::json::Lines;
use model::{Endpoint, Request, Value as Attribute};
use serde_json::{Value, json};

fn line(request: &Request) -> String {
    let mut out = Vec::new();
    Lines::default().write(request, &mut out);
    String::from_utf8(out).unwrap()
}

/// Run with `UPDATE_GOLDEN=1` to write what is found, and look at the difference.
#[test]
fn every_form_is_as_its_golden_file() {
    for (name, request) in common::all() {
        let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let written = line(&request);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &written).unwrap();
        }
        assert_eq!(written, std::fs::read_to_string(&path).unwrap(), "{name}");
    }
}

#[test]
fn every_line_reads_back() {
    for (name, request) in common::all() {
        let line = line(&request);
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{name}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected(&request), "{name}");
    }
}

#[test]
fn every_character_survives_and_no_control_is_raw() {
    let blocks = (0..=0x10_ffff_u32).filter_map(char::from_u32).collect::<Vec<_>>();
    for block in blocks.chunks(4096) {
        let name: String = block.iter().collect();
        let line = line(&Request { name: name.as_str().into(), ..common::http() });
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["name"], name);
        assert!(!line.trim_end_matches('\n').contains(char::is_control));
    }
}

#[test]
fn lines_are_appended() {
    let mut out = Vec::new();
    let mut lines = Lines::default();
    lines.write(&common::http(), &mut out);
    let once = out.clone();
    lines.write(&common::http(), &mut out);
    assert_eq!(out, [once.clone(), once].concat());
}

/// What is kept of the ends is theirs, and the thread each request's own.
#[test]
fn requests_of_many_connections_are_told_apart() {
    let (mut together, mut apart) = (Vec::new(), Vec::new());
    let mut lines = Lines::default();
    let connections: Vec<Request> = (0..2000u16)
        .map(|port| {
            common::http().with_ends(|ends| ends.client.endpoint = Endpoint::ip([10, 0, 0, 7].into(), port))
        })
        .collect();
    for tid in [812, 0, 815] {
        for request in &connections {
            let request = Request { tid, ..request.clone() };
            lines.write(&request, &mut together);
            apart.extend_from_slice(line(&request).as_bytes());
        }
    }
    assert!(together == apart, "{} bytes, {} apart", together.len(), apart.len());
}

fn expected(request: &Request) -> Value {
    let peer = |peer: &model::request::Peer| {
        let mut object = match &peer.endpoint {
            Endpoint::Ip(address) => json!({"address": address.ip().to_string(), "port": address.port()}),
            Endpoint::Unix(path) if path.is_empty() => json!({}),
            Endpoint::Unix(path) => json!({"address": path.as_str()}),
        };
        if let Some(service) = &peer.service {
            object["service"] = (**service).into();
        }
        object
    };
    let seconds: Value = serde_json::from_str(&{
        let nanoseconds = request.duration;
        format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    })
    .unwrap();
    let mut object = json!({
        "time": "2026-11-20T08:00:00.123456789Z", "duration": seconds, "role": request.role.as_str(),
        "protocol": request.protocol, "name": request.name.as_str(),
        "status": if request.error.is_some() { "error" } else { "ok" },
        "client": peer(&request.ends.client), "server": peer(&request.ends.server),
        "request": {"bytes": request.request_bytes}, "response": {"bytes": request.response_bytes},
        "connection": format!("{:016x}", request.connection.0), "waiting": request.waiting,
    });
    if let Some(error) = &request.error {
        object["error"] = error.as_str().into();
    }
    if let Some(process) = &request.ends.process {
        object["process"] =
            json!({"pid": process.pid, "command": &*process.command, "service": &*process.service});
        if request.tid != 0 {
            object["process"]["tid"] = request.tid.into();
        }
    }
    if let Some(incomplete) = request.incomplete {
        object["incomplete"] = incomplete.as_str().into();
    }
    if let Some(place) = &request.place {
        object["trace"] = json!({"id": format!("{:016x}", place.trace), "span": place.span});
        if let Some((parent, evidence)) = place.parent {
            object["trace"]["parent"] = parent.into();
            object["trace"]["evidence"] = evidence.as_str().into();
        }
    }
    for (key, value) in request.attributes.iter() {
        object["attributes"][*key] = match value {
            Attribute::Int(number) => (*number).into(),
            Attribute::Word(word) => (*word).into(),
            Attribute::Text(text) => text.as_str().into(),
        };
    }
    object
}
