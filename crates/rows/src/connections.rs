//! Connections that ended as rows of `connections`: those that were told one by one, and sums of short ones that are alike.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use model::request::Peer;
use model::sums::{Spread, Summed};
use model::tcp::{Cause, Connection, Moment};
use model::{Nanos, Role, names};
use schema::{Rows, Table};

use crate::places::EndPlaces;
use crate::{end, number, place};

struct Places {
    time: usize,
    duration: usize,
    service: usize,
    host: usize,
    role: usize,
    client: EndPlaces,
    server: EndPlaces,
    pid: usize,
    connection: usize,
    reason: usize,
    error: usize,
    connect: usize,
    rtt: usize,
    rtt_min: usize,
    sent: usize,
    received: usize,
    retransmits: usize,
    count: usize,
}

impl Default for Places {
    fn default() -> Self {
        let at = |name| place(Table::Connections, name);
        let end =
            |service, address, port| EndPlaces { service: at(service), address: at(address), port: at(port) };
        Places {
            time: at("time"),
            duration: at("duration"),
            service: at(names::SERVICE_NAME),
            host: at(names::HOST_NAME),
            role: at("role"),
            client: end(names::CLIENT, "weir.client.address", "weir.client.port"),
            server: end(names::SERVER, "weir.server.address", "weir.server.port"),
            pid: at(names::PROCESS_PID),
            connection: at(names::WEIR_CONNECTION),
            reason: at("reason"),
            error: at(names::ERROR_TYPE),
            connect: at("connect.duration"),
            rtt: at("rtt"),
            rtt_min: at("rtt.min"),
            sent: at("sent.bytes"),
            received: at("received.bytes"),
            retransmits: at("retransmits"),
            count: at("count"),
        }
    }
}

/// Gathers connections that ended, and gives them as batches.
pub struct Connections {
    rows: Rows,
    at: Places,
    host: String,
    /// Kept for its room.
    text: String,
}

/// A moment at which a connection is no more, and why.
fn ended(moment: Moment) -> Option<(Cause, bool)> {
    match moment {
        Moment::Closed(cause) => Some((cause, cause.is_failure())),
        Moment::Failed(cause) => Some((cause, true)),
        Moment::Opened | Moment::GoesOn => None,
    }
}

/// The mean of values in microseconds, as nanoseconds.
fn mean(spread: &Spread) -> Option<Nanos> {
    (spread.sum.saturating_mul(1000)).checked_div(spread.count)
}

impl Connections {
    /// Of the host of this name.
    pub fn new(host: &str) -> Self {
        Connections {
            rows: Rows::new(Table::Connections),
            at: Places::default(),
            host: host.to_owned(),
            text: String::new(),
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a connection if it ended.
    ///
    /// # Errors
    ///
    /// None that a connection could bring about.
    pub fn push(&mut self, connection: &Connection) -> Result<(), ArrowError> {
        let Some(how) = ended(connection.moment) else { return Ok(()) };
        let age = connection.age.unwrap_or(0);
        let (rows, at) = (&mut self.rows, &self.at);
        rows.number(at.time, number(connection.time.saturating_sub(age)));
        rows.number(at.duration, number(age));
        rows.number(at.connection, connection.id.0 as i64);
        rows.number(at.count, 1);
        let counters = &connection.counters;
        rows.number(at.sent, number(counters.sent));
        rows.number(at.received, number(counters.received));
        rows.number(at.retransmits, i64::from(counters.retransmits));
        for (place, time) in
            [(at.connect, connection.connect), (at.rtt, counters.rtt), (at.rtt_min, counters.rtt_min)]
        {
            if let Some(time) = time {
                rows.number(place, number(time));
            }
        }
        if let Some(process) = &connection.process {
            rows.number(at.pid, i64::from(process.pid));
            rows.text(at.service, &process.service);
        }
        self.common(how, connection.role, [&connection.client, &connection.server])
    }

    /// Adds connections that were summed up, at `time`: nanoseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    ///
    /// None that sums could bring about.
    pub fn push_summed(&mut self, summed: &Summed, time: u64) -> Result<(), ArrowError> {
        let Some(how) = ended(summed.moment) else { return Ok(()) };
        let totals = &*summed.totals;
        let (rows, at) = (&mut self.rows, &self.at);
        rows.number(at.time, number(time));
        rows.number(at.duration, number(mean(&totals.lifetime).unwrap_or(0)));
        rows.number(at.count, number(totals.number));
        rows.number(at.sent, number(totals.sent));
        rows.number(at.received, number(totals.received));
        rows.number(at.retransmits, number(totals.retransmits));
        let least = (totals.rtt.count > 0).then(|| totals.rtt.least.saturating_mul(1000));
        for (place, time) in
            [(at.connect, mean(&totals.connect)), (at.rtt, mean(&totals.rtt)), (at.rtt_min, least)]
        {
            if let Some(time) = time {
                rows.number(place, number(time));
            }
        }
        self.common(how, summed.role, [&summed.client, &summed.server])
    }

    /// All of them as a batch; there are none afterwards.
    ///
    /// # Errors
    ///
    /// None that connections could bring about.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows.finish()
    }

    fn common(
        &mut self,
        (cause, fails): (Cause, bool),
        role: Role,
        ends: [&Peer; 2],
    ) -> Result<(), ArrowError> {
        let (rows, at) = (&mut self.rows, &self.at);
        let own = match role {
            Role::Client => ends[0].service.as_ref(),
            Role::Server => ends[1].service.as_ref(),
            Role::Unknown => None,
        };
        // Where the process is known its service stands there already.
        if let Some(service) = own {
            rows.text(at.service, service);
        }
        rows.text(at.host, &self.host);
        rows.text(at.role, role.as_str());
        rows.text(at.reason, cause.as_str());
        if fails {
            rows.text(at.error, cause.as_str());
        }
        for (peer, at) in ends.into_iter().zip([&at.client, &at.server]) {
            end(rows, &mut self.text, peer, at);
        }
        rows.end()
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int32Type, Int64Type, TimestampNanosecondType};
    use model::request::Process;
    use model::sums::Totals;
    use model::tcp::{Counters, Growth, State};
    use model::{ConnectionId, Endpoint};

    use super::*;

    fn peer(address: &str, service: Option<&str>) -> Peer {
        Peer { endpoint: Endpoint::Ip(address.parse().unwrap()), service: service.map(Into::into) }
    }

    fn connection(moment: Moment) -> Connection {
        Connection {
            time: 5_000_000_000,
            moment,
            id: ConnectionId(7),
            age: Some(2_000_000_000),
            role: Role::Client,
            client: peer("10.0.0.1:4711", Some("shop")),
            server: peer("10.0.0.2:80", None),
            process: Some(Process { pid: 12, command: "shop".into(), service: "shop".into() }),
            state: State::Established,
            connect: Some(1000),
            counters: Counters {
                sent: 10,
                received: 20,
                retransmits: 1,
                rtt: Some(500),
                ..Counters::default()
            },
            growth: Growth::default(),
        }
    }

    fn word<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
        let words = batch.column_by_name(column)?.as_dictionary::<Int32Type>();
        Some(words.values().as_string::<i32>().value(words.key(row)?))
    }

    fn amount(batch: &RecordBatch, column: &str, row: usize) -> Option<i64> {
        let column = batch.column_by_name(column)?.as_primitive::<Int64Type>();
        column.is_valid(row).then(|| column.value(row))
    }

    #[test]
    fn those_that_ended_are_rows() {
        let mut rows = Connections::new("h1");
        for moment in
            [Moment::Opened, Moment::GoesOn, Moment::Closed(Cause::LocalFin), Moment::Failed(Cause::Refused)]
        {
            rows.push(&connection(moment)).unwrap();
        }
        let mut totals = Totals { number: 3, sent: 30, received: 60, retransmits: 2, ..Totals::default() };
        [100, 200, 300].into_iter().for_each(|micros| totals.lifetime.add(micros));
        totals.rtt.add(40);
        let summed = Summed {
            role: Role::Server,
            client: peer("10.0.0.1:0", Some("shop")),
            server: peer("10.0.0.2:80", Some("web")),
            moment: Moment::Closed(Cause::RemoteReset),
            totals: Box::new(totals),
        };
        rows.push_summed(&summed, 9_000_000_000).unwrap();
        assert_eq!(rows.len(), 3);
        let batch = rows.finish().unwrap();
        let times = batch.column_by_name("time").unwrap().as_primitive::<TimestampNanosecondType>();
        assert_eq!(times.values(), &[3_000_000_000, 3_000_000_000, 9_000_000_000]);
        let expected: [(&str, [Option<&str>; 3]); 7] = [
            ("service.name", [Some("shop"), Some("shop"), Some("web")]),
            ("host.name", [Some("h1"); 3]),
            ("role", [Some("client"), Some("client"), Some("server")]),
            ("server", [Some("10.0.0.2"), Some("10.0.0.2"), Some("web")]),
            ("weir.client.address", [Some("10.0.0.1"); 3]),
            ("reason", [Some("local_fin"), Some("refused"), Some("remote_reset")]),
            ("error.type", [None, Some("refused"), Some("remote_reset")]),
        ];
        for (column, words) in expected {
            assert_eq!([0, 1, 2].map(|row| word(&batch, column, row)), words, "{column}");
        }
        let expected: [(&str, [Option<i64>; 3]); 9] = [
            ("duration", [Some(2_000_000_000), Some(2_000_000_000), Some(200_000)]),
            ("count", [Some(1), Some(1), Some(3)]),
            ("sent.bytes", [Some(10), Some(10), Some(30)]),
            ("retransmits", [Some(1), Some(1), Some(2)]),
            ("connect.duration", [Some(1000), Some(1000), None]),
            ("rtt", [Some(500), Some(500), Some(40_000)]),
            ("rtt.min", [None, None, Some(40_000)]),
            ("weir.client.port", [Some(4711), Some(4711), None]),
            ("process.pid", [Some(12), Some(12), None]),
        ];
        for (column, amounts) in expected {
            assert_eq!([0, 1, 2].map(|row| amount(&batch, column, row)), amounts, "{column}");
        }
    }
}
