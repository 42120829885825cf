//! Connections and listening sockets as lines of JSON, in the form of [`crate::json`].

use model::tcp::{Connection, Counters, Listening, Moment};

use crate::json::{hexadecimal, integer, peer, process};
use crate::{escape, time};

/// Appends `connection` and a line feed to `out`; `event` is the word for what happened.
pub fn write(connection: &Connection, event: &str, out: &mut Vec<u8>) {
    out.reserve(1024);
    begin(connection.time, event, out);
    if let Some(age) = connection.age {
        seconds(b",\"duration\":", age, out);
    }
    text(b",\"role\":", connection.role.as_str(), out);
    text(b",\"state\":", connection.state.as_str(), out);
    cause(connection.moment, out);
    peer(b",\"client\":{", &connection.client, out);
    peer(b",\"server\":{", &connection.server, out);
    if let Some(of) = &connection.process {
        process(of, out);
    }
    if let Some(connect) = connection.connect {
        seconds(b",\"connect\":", connect, out);
    }
    counters(&connection.counters, out);
    end(connection.id.0, out);
}

/// The same of a socket that listens.
pub fn write_listening(listening: &Listening, event: &str, out: &mut Vec<u8>) {
    begin(listening.time, event, out);
    text(b",\"state\":", "listen", out);
    peer(b",\"server\":{", &listening.server, out);
    if let Some(of) = &listening.process {
        process(of, out);
    }
    number(b",\"backlog\":", listening.backlog, out);
    number(b",\"limit\":", listening.limit, out);
    number(b",\"drops\":", listening.drops, out);
    end(listening.id.0, out);
}

fn begin(at: u64, event: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"time\":\"");
    time::rfc3339(at, out);
    out.push(b'"');
    text(b",\"event\":", event, out);
}

fn end(id: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"connection\":\"");
    hexadecimal(id, out);
    out.extend_from_slice(b"\"}\n");
}

fn cause(moment: Moment, out: &mut Vec<u8>) {
    if let Moment::Closed(cause) | Moment::Failed(cause) = moment {
        text(b",\"cause\":", cause.as_str(), out);
    }
}

fn counters(counters: &Counters, out: &mut Vec<u8>) {
    number(b",\"sent\":{\"bytes\":", counters.sent, out);
    number(b",\"acked\":", counters.acked, out);
    number(b",\"segments\":", counters.segments_out, out);
    number(b",\"data_segments\":", counters.data_segments_out, out);
    number(b",\"unacked\":", counters.unacked, out);
    number(b",\"unsent\":", counters.unsent, out);
    number(b"},\"received\":{\"bytes\":", counters.received, out);
    number(b",\"segments\":", counters.segments_in, out);
    number(b",\"data_segments\":", counters.data_segments_in, out);
    number(b",\"out_of_order\":", counters.out_of_order, out);
    number(b",\"unread\":", counters.unread, out);
    number(b"},\"retransmitted\":{\"segments\":", counters.retransmits, out);
    number(b",\"bytes\":", counters.retransmitted, out);
    number(b",\"lost\":", counters.lost, out);
    number(b",\"reordered\":", counters.reordered, out);
    number(b",\"duplicates\":", counters.duplicates, out);
    out.push(b'}');
    if let Some(rtt) = counters.rtt {
        seconds(b",\"rtt\":{\"smoothed\":", rtt, out);
        seconds(b",\"variation\":", counters.rtt_variation, out);
        if let Some(least) = counters.rtt_min {
            seconds(b",\"min\":", least, out);
        }
        out.push(b'}');
    }
    number(b",\"window\":", counters.window, out);
    number(b",\"segment_size\":", counters.segment_size, out);
}

fn number(key: &[u8], value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    integer(value, out);
}

fn seconds(key: &[u8], value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    time::seconds(value, out);
}

fn text(key: &[u8], value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    escape::string(value, out);
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use model::request::{Peer, Process};
    use model::tcp::{Cause, Growth, State};
    use model::{ConnectionId, Endpoint, Role};

    use super::*;

    #[test]
    fn a_closed_connection() {
        let end = |port, service: Option<&str>| Peer {
            endpoint: Endpoint::ip(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            service: service.map(Into::into),
        };
        let connection = Connection {
            time: 1_795_161_600_000_000_000,
            moment: Moment::Closed(Cause::RemoteReset),
            id: ConnectionId(0xabc),
            age: Some(1_500_000_000),
            role: Role::Client,
            client: end(40112, Some("shop")),
            server: end(80, None),
            process: Some(Process { pid: 7, command: "shop".into(), service: "shop".into() }),
            state: State::Established,
            connect: Some(112_000),
            counters: Counters {
                sent: 10,
                acked: 11,
                received: 20,
                rtt: Some(213_000),
                rtt_min: Some(100_000),
                ..Counters::default()
            },
            growth: Growth::default(),
        };
        let mut out = Vec::new();
        write(&connection, "close", &mut out);
        let expected = concat!(
            r#"{"time":"2026-11-20T08:00:00.000000000Z","event":"close","duration":1.5,"role":"client","#,
            r#""state":"established","cause":"remote_reset","#,
            r#""client":{"address":"127.0.0.1","port":40112,"service":"shop"},"#,
            r#""server":{"address":"127.0.0.1","port":80},"#,
            r#""process":{"pid":7,"command":"shop","service":"shop"},"connect":0.000112,"#,
            r#""sent":{"bytes":10,"acked":11,"segments":0,"data_segments":0,"unacked":0,"unsent":0},"#,
            r#""received":{"bytes":20,"segments":0,"data_segments":0,"out_of_order":0,"unread":0},"#,
            r#""retransmitted":{"segments":0,"bytes":0,"lost":0,"reordered":0,"duplicates":0},"#,
            r#""rtt":{"smoothed":0.000213,"variation":0,"min":0.0001},"window":0,"segment_size":0,"#,
            r#""connection":"0000000000000abc"}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
