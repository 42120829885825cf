//! TCP connections, as metrics: how many there were between whom, how they ended, what the kernel counted of them.

mod definitions;
mod interval;
mod resume;

use std::net::SocketAddr;

use model::request::Peer;
use model::sums::Summed;
use model::tcp::{Cause, Connection, Listening, Moment};
use model::{Endpoint, Nanos, Role};

pub use definitions::METRICS;
use definitions::*;

use self::interval::{Intervals, Values};
use crate::collect::copy;
use crate::labels::Cell;
use crate::table::{Limits, Table};
use crate::{Collect, Counts, Histogram, Metric, Place, Point, Series, ends};

/// Metrics of connections.
///
/// What is told of a connection more than once (bytes, round-trip times) is told at each *look* at everything that is open, and
/// at its end. A look has a beginning and an end, since it may take a while.
#[derive(Debug)]
pub struct ConnectionMetrics {
    edges: Table<Edge>,
    closed: Table<u64>,
    failed: Table<u64>,
    resets: Table<u64>,
    bytes: Table<u64>,
    packets: Table<u64>,
    listeners: Table<Backlog>,
    /// The look that is under way, or will be the next one.
    look: u64,
}

/// Connections between the same two, on the same port.
#[derive(Debug, Default)]
struct Edge {
    opened: u64,
    retransmits: u64,
    connect: Histogram,
    rtt: Histogram,
    lifetime: Histogram,
    recent_connect: Intervals,
    recent_rtt: Intervals,
    /// Found by the last two looks that found any: the look's number, and how many.
    found: [(u64, u64); 2],
}

#[derive(Debug, Default)]
struct Backlog {
    look: u64,
    waiting: u64,
    limit: u64,
    drops: u64,
}

impl Edge {
    fn is_open(&mut self, look: u64) {
        if self.found[0].0 != look {
            self.found = [(look, 0), self.found[0]];
        }
        self.found[0].1 += 1;
    }

    /// How many there were, where `look` was the last that came to its end.
    fn active(&self, look: u64) -> u64 {
        self.found.iter().find(|(number, _)| *number == look).map_or(0, |(_, found)| *found)
    }
}

impl ConnectionMetrics {
    /// Begins without series; the limits are for each metric.
    pub fn new(limits: Limits) -> Self {
        ConnectionMetrics {
            edges: Table::new(EDGE, limits),
            closed: Table::new(EDGE_AND_REASON, limits),
            failed: Table::new(EDGE_AND_REASON, limits),
            resets: Table::new(EDGE_AND_DIRECTION, limits),
            bytes: Table::new(EDGE_AND_DIRECTION, limits),
            packets: Table::new(EDGE_AND_DIRECTION, limits),
            listeners: Table::new(LISTENER, limits),
            // None was before the first one.
            look: 1,
        }
    }

    /// Goes by other limits from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.edges.set_limits(limits);
        self.closed.set_limits(limits);
        self.failed.set_limits(limits);
        self.resets.set_limits(limits);
        self.bytes.set_limits(limits);
        self.packets.set_limits(limits);
        self.listeners.set_limits(limits);
    }

    /// Counts what happened to a connection. `now` is the time of a monotonic clock, as exact as is wanted of series' expiry.
    pub fn record(&mut self, connection: &Connection, now: Nanos) {
        let cells = edge(&connection.client, &connection.server, connection.role);
        let growth = &connection.growth;
        if let Some(edge) = self.edges.at(&cells, now) {
            edge.retransmits += u64::from(growth.retransmits);
            match connection.moment {
                Moment::Opened => {
                    edge.opened += 1;
                    if let Some(connect) = connection.connect {
                        edge.connect.record(&ROUND_TRIPS, connect);
                        edge.recent_connect.at(self.look).add(connect);
                    }
                }
                Moment::GoesOn => edge.is_open(self.look),
                Moment::Closed(_) => {
                    if let Some(age) = connection.age {
                        edge.lifetime.record(&LIFETIMES, age);
                    }
                }
                Moment::Failed(_) => {}
            }
            let measures = matches!(connection.moment, Moment::GoesOn | Moment::Closed(_));
            if let Some(rtt) = connection.counters.rtt.filter(|_| measures) {
                edge.rtt.record(&ROUND_TRIPS, rtt);
                edge.recent_rtt.at(self.look).add(rtt);
            }
        }
        self.ended(connection.moment, 1, &cells, now);
        let moved = [
            ("transmit", growth.sent, growth.segments_out),
            ("receive", growth.received, growth.segments_in),
        ];
        for (direction, bytes, packets) in moved {
            add(&mut self.bytes, &cells, direction, bytes, now);
            add(&mut self.packets, &cells, direction, packets.into(), now);
        }
    }

    /// Counts connections that the kernel side has summed up: they were opened and have ended, or were not opened.
    pub fn record_sums(&mut self, summed: &Summed, now: Nanos) {
        let cells = edge(&summed.client, &summed.server, summed.role);
        let totals = &*summed.totals;
        if let Some(edge) = self.edges.at(&cells, now) {
            edge.retransmits += totals.retransmits;
            if matches!(summed.moment, Moment::Closed(_)) {
                edge.opened += totals.number;
            }
            edge.connect.merge_spread(&ROUND_TRIPS, &totals.connect);
            edge.rtt.merge_spread(&ROUND_TRIPS, &totals.rtt);
            edge.lifetime.merge_spread(&LIFETIMES, &totals.lifetime);
            edge.recent_connect.at(self.look).add_all(&totals.connect);
            edge.recent_rtt.at(self.look).add_all(&totals.rtt);
        }
        self.ended(summed.moment, totals.number, &cells, now);
        let moved = [
            ("transmit", totals.sent, totals.segments_out),
            ("receive", totals.received, totals.segments_in),
        ];
        for (direction, bytes, packets) in moved {
            add(&mut self.bytes, &cells, direction, bytes, now);
            add(&mut self.packets, &cells, direction, packets, now);
        }
    }

    fn ended(&mut self, moment: Moment, number: u64, cells: &[Cell<'_>; 4], now: Nanos) {
        let (table, cause) = match moment {
            Moment::Closed(cause) => (&mut self.closed, cause),
            Moment::Failed(cause) => (&mut self.failed, cause),
            Moment::Opened | Moment::GoesOn => return,
        };
        add(table, cells, cause.as_str(), number, now);
        let reset = match cause {
            Cause::LocalReset => "transmit",
            Cause::RemoteReset | Cause::Refused => "receive",
            _ => return,
        };
        add(&mut self.resets, cells, reset, number, now);
    }

    /// All connections that are open were recorded since the last look, and these are the sockets that listen.
    pub fn looked<'a>(&mut self, listening: impl Iterator<Item = &'a Listening>, now: Nanos) {
        for listening in listening {
            let Endpoint::Ip(address) = &listening.server.endpoint else { continue };
            let Some(backlog) = self.listeners.at(&listener(listening, address), now) else { continue };
            // Several sockets may listen at one address.
            if backlog.look != self.look {
                *backlog = Backlog { look: self.look, ..Backlog::default() };
            }
            backlog.waiting += u64::from(listening.backlog);
            backlog.limit += u64::from(listening.limit);
            backlog.drops += u64::from(listening.drops);
        }
        self.look += 1;
    }

    /// Forgets series that are idle. Call it every few seconds.
    pub fn sweep(&mut self, now: Nanos) {
        self.edges.sweep(now);
        self.listeners.sweep(now);
        for table in
            [&mut self.closed, &mut self.failed, &mut self.resets, &mut self.bytes, &mut self.packets]
        {
            table.sweep(now);
        }
    }

    /// Metrics that have series of their own, how many these are, and what became of others.
    pub fn counts(&self) -> impl Iterator<Item = (&'static Metric, usize, Counts)> + '_ {
        let edges = (&OPENED, self.edges.len(), self.edges.counts());
        let listeners = (&BACKLOG, self.listeners.len(), self.listeners.counts());
        let numbers = [&CLOSED, &FAILED, &RESETS, &BYTES, &PACKETS].into_iter();
        let numbers = numbers
            .filter_map(|metric| self.numbers(metric).map(|table| (metric, table.len(), table.counts())));
        [edges, listeners].into_iter().chain(numbers)
    }

    /// Of those that are one number each.
    fn numbers(&self, metric: &Metric) -> Option<&Table<u64>> {
        let tables = [
            (&CLOSED, &self.closed),
            (&FAILED, &self.failed),
            (&RESETS, &self.resets),
            (&BYTES, &self.bytes),
            (&PACKETS, &self.packets),
        ];
        tables.into_iter().find(|(other, _)| std::ptr::eq(*other, metric)).map(|(_, table)| table)
    }

    fn of_edge(&self, metric: &Metric, edge: &Edge) -> Option<Point> {
        let is = |other: &Metric| std::ptr::eq(other, metric);
        let histogram = |histogram: &Histogram| (histogram.count() > 0).then(|| Point::of(histogram));
        let before = self.look - 1;
        let connect =
            |of: fn(&Values) -> f64| edge.recent_connect.before(before).map(|v| Point::Number(of(v)));
        let rtt = |of: fn(&Values) -> f64| edge.recent_rtt.before(before).map(|v| Point::Number(of(v)));
        match metric {
            _ if is(&OPENED) => Some(Point::Count(edge.opened)),
            _ if is(&ACTIVE) => Some(Point::Count(edge.active(self.look - 1))),
            _ if is(&RETRANSMITS) => Some(Point::Count(edge.retransmits)),
            _ if is(&CONNECT) => histogram(&edge.connect),
            _ if is(&LIFETIME) => histogram(&edge.lifetime),
            _ if is(&RTT) => histogram(&edge.rtt),
            _ if is(&CONNECT_MIN) => connect(Values::least),
            _ if is(&CONNECT_MAX) => connect(Values::most),
            _ if is(&CONNECT_DEVIATION) => connect(Values::deviation),
            _ if is(&RTT_MIN) => rtt(Values::least),
            _ if is(&RTT_MAX) => rtt(Values::most),
            _ => rtt(Values::deviation),
        }
    }

    /// `None` for those that the last look did not find any more.
    fn of_listener(&self, metric: &Metric, backlog: &Backlog) -> Option<Point> {
        let is = |other: &Metric| std::ptr::eq(other, metric);
        let value = match metric {
            _ if is(&BACKLOG) => backlog.waiting,
            _ if is(&BACKLOG_LIMIT) => backlog.limit,
            _ => backlog.drops,
        };
        (backlog.look == self.look - 1).then_some(Point::Count(value))
    }
}

impl Collect for ConnectionMetrics {
    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&self, index: usize, place: Place, most: usize, into: &mut Vec<Series>) -> Option<Place> {
        let metric = *METRICS.get(index)?;
        if let Some(table) = self.numbers(metric) {
            return copy(table, place, most, into, |count| Some(Point::Count(*count)));
        }
        if metric.labels.len() == LISTENER.len() {
            return copy(&self.listeners, place, most, into, |backlog| self.of_listener(metric, backlog));
        }
        copy(&self.edges, place, most, into, |edge| self.of_edge(metric, edge))
    }
}

/// The labels of who is connected, in the order of [`EDGE`].
fn edge<'a>(client: &'a Peer, server: &'a Peer, role: Role) -> [Cell<'a>; 4] {
    // Where it is not known who accepted, neither port is the server's for sure: both would be labels without end.
    let port = server.endpoint.port().filter(|_| role != Role::Unknown);
    let port = port.map_or(Cell::None, |port| Cell::Int(port.into()));
    [ends::end(client), ends::end(server), port, Cell::Text(role.as_str())]
}

fn listener<'a>(listening: &'a Listening, address: &SocketAddr) -> [Cell<'a>; 3] {
    let service = listening.server.service.as_deref().map_or(Cell::None, Cell::text);
    [service, Cell::Address(address.ip()), Cell::Int(address.port().into())]
}

/// Adds to the series of an edge and one label more; nothing makes no series.
fn add(
    table: &mut Table<u64>,
    [client, server, port, role]: &[Cell<'_>; 4],
    more: &str,
    number: u64,
    now: Nanos,
) {
    if number == 0 {
        return;
    }
    if let Some(count) = table.at(&[*client, *server, *port, *role, Cell::Text(more)], now) {
        *count += number;
    }
}

#[cfg(test)]
mod tests;
