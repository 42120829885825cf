//! Rows as a busy host might have them; README.md describes them.

use model::names;
use rows::Places;
use schema::{Rows, Table};
use store::Origin;

use super::services::Services;

/// Rows of a batch.
pub(crate) const BATCH: usize = 8192;
/// When the first request is: 2023-11-14T22:00:00Z.
pub(crate) const START: i64 = 1_699_999_200_000_000_000;
pub(crate) const HOUR: f64 = 3_600e9;
pub(crate) const ROWS_AN_HOUR: f64 = 1_000_000.0;

/// What the rows are like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Without paths and ids.
    pub(crate) lean: bool,
    pub(crate) services: usize,
    /// When the first request is: nanoseconds since 1970.
    pub(crate) start: i64,
    /// Requests in an hour of their own time.
    pub(crate) an_hour: f64,
}

impl Default for Shape {
    fn default() -> Self {
        Shape { lean: false, services: 50, start: START, an_hour: ROWS_AN_HOUR }
    }
}

const ROUTES: usize = 40;
const CONNECTIONS: usize = 10_000;

/// Numbers that look random and are the same every time (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Above 0, up to 1.
    fn part(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    /// Of a normal distribution (Box and Muller's way).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.part().ln()).sqrt() * (std::f64::consts::TAU * self.part()).cos()
    }

    /// One of so many, the first ones most often: that of number `n` with the weight `1 / (n + 1)`, nearly.
    fn zipf(&mut self, most: usize) -> usize {
        (((most + 1) as f64).powf(self.part()) as usize).saturating_sub(1).min(most - 1)
    }
}

struct Connection {
    id: u64,
    client: usize,
    client_address: String,
    client_port: i64,
    host: usize,
    thread: i64,
}

struct Route {
    name: String,
    route: String,
    method: &'static str,
    median: f64,
}

/// Makes batches of rows.
pub(crate) struct Generator {
    random: Random,
    time: f64,
    /// By the service that answers.
    connections: Vec<Vec<Connection>>,
    routes: Vec<Vec<Route>>,
    services: Services,
    columns: Columns,
    rows: Rows,
    trace: [u8; 16],
    of_trace: usize,
    made: u64,
    shape: Shape,
}

impl Generator {
    /// Rows of this shape.
    pub(crate) fn new(shape: Shape) -> Self {
        let services_there = shape.services;
        let mut random = Random(42);
        let services = Services::new(services_there);
        let mut connections: Vec<Vec<Connection>> = (0..services_there).map(|_| Vec::new()).collect();
        for number in 0..CONNECTIONS {
            let server = number % services_there;
            connections[server].push(Connection {
                id: random.next(),
                client: services.client(server, &mut random),
                client_address: format!("10.0.{}.{}", random.below(16), random.below(250)),
                client_port: 32_768 + random.below(28_000) as i64,
                host: random.below(4),
                thread: 2000 + server as i64 * 16 + random.below(16) as i64,
            });
        }
        let route = |service: usize, number: usize, random: &mut Random| {
            let method = ["GET", "GET", "GET", "POST", "PUT"][random.below(5)];
            let route = format!("/api/v1/resource-{service}-{number}/{{id}}");
            let median = 0.5e6 * 100f64.powf(random.part());
            Route { name: format!("{method} {route}"), route, method, median }
        };
        let routes: Vec<Vec<Route>> = (0..services_there)
            .map(|service| (0..ROUTES).map(|number| route(service, number, &mut random)).collect())
            .collect();
        Generator {
            random,
            time: shape.start as f64,
            connections,
            routes,
            services,
            columns: Columns::new(),
            rows: Rows::new(Table::Requests),
            trace: [0; 16],
            of_trace: 0,
            made: 0,
            shape,
        }
    }

    /// A batch, and where it comes from.
    pub(crate) fn batch(&mut self) -> anyhow::Result<(Origin, arrow_array::RecordBatch)> {
        for _ in 0..BATCH {
            self.row()?;
        }
        self.made += 1;
        Ok((Origin { source: 1, sequence: self.made }, self.rows.finish()?))
    }

    /// The id of some trace that was made.
    pub(crate) fn trace(&self) -> String {
        self.trace.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn row(&mut self) -> anyhow::Result<()> {
        let (random, rows, of) = (&mut self.random, &mut self.rows, &self.columns);
        let at = &of.all;
        self.time += -random.part().ln() * HOUR / self.shape.an_hour;
        let server = random.zipf(self.shape.services);
        let own = &self.connections[server];
        let connection = &own[random.below(own.len())];
        let route = &self.routes[server][random.zipf(ROUTES)];
        let duration = route.median * random.normal().exp();
        rows.number(at.time, self.time as i64);
        rows.number(at.duration, duration as i64);
        rows.text(at.service, self.services.name(server));
        rows.text(at.host, ["host-a", "host-b", "host-c", "host-d"][connection.host]);
        rows.text(at.role, "server");
        rows.text(at.protocol, "http");
        rows.text(at.name, &route.name);
        rows.text(at.client.service, self.services.name(connection.client));
        rows.text(at.server.service, self.services.name(server));
        rows.text(at.client.address, &connection.client_address);
        rows.number(at.client.port, connection.client_port);
        rows.text(at.server.address, ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"][connection.host]);
        rows.number(at.server.port, 8000 + server as i64);
        rows.number(at.pid, 1000 + (server * 4 + connection.host) as i64);
        rows.text(at.command, self.services.name(server));
        rows.number(at.thread, connection.thread);
        rows.number(at.connection, connection.id as i64);
        rows.number(at.request_size, (200.0 * (0.3 * random.normal()).exp()) as i64);
        rows.number(at.response_size, (1500.0 * random.normal().exp()) as i64);
        rows.text(of.method, route.method);
        rows.text(of.route, &route.route);
        rows.text(of.version, "1.1");
        let failing = if server == 3 && connection.host == 2 { 0.1 } else { 0.01 };
        let status = if random.part() > failing { 200 } else { [500, 503, 504][random.below(3)] };
        rows.number(of.status, status);
        match status {
            500 => rows.text(at.error, "500"),
            503 => rows.text(at.error, "503"),
            504 => rows.text(at.error, "504"),
            _ => {}
        }
        if !self.shape.lean {
            let id = random.next() % 100_000_000;
            rows.text(of.path, &route.route.replace("{id}", &id.to_string()));
            if self.of_trace > 0 || random.part() < 0.125 {
                if self.of_trace == 0 {
                    self.trace[..8].copy_from_slice(&random.next().to_be_bytes());
                    self.trace[8..].copy_from_slice(&random.next().to_be_bytes());
                    self.of_trace = 3;
                }
                self.of_trace -= 1;
                rows.bytes(at.trace, &self.trace);
                rows.bytes(at.span, &random.next().to_be_bytes());
            }
        }
        Ok(rows.end()?)
    }
}

/// Where the columns are: those of every request, and of HTTP's attributes.
struct Columns {
    all: Places,
    method: usize,
    status: usize,
    route: usize,
    path: usize,
    version: usize,
}

impl Columns {
    fn new() -> Self {
        // A column that does not exist gets no values, and the figures would show it.
        let at = |name: &str| Table::Requests.column(name).map_or(usize::MAX, |(place, _)| place);
        Columns {
            all: Places::default(),
            method: at(names::HTTP_REQUEST_METHOD),
            status: at(names::HTTP_RESPONSE_STATUS_CODE),
            route: at(names::HTTP_ROUTE),
            path: at(names::URL_PATH),
            version: at(names::NETWORK_PROTOCOL_VERSION),
        }
    }
}
