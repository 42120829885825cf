//! Which metric counts a request, and where its labels come from. A family is found by an attribute that all of its
//! protocols give, so that a protocol more needs nothing here.

use model::names::{self, Key};
use model::{Request, Role, Value};

use crate::labels::Cell;
use crate::{Buckets, Kind, Label, Metric, Unit, ends};

/// Most labels of a metric of requests.
pub(super) const MOST_LABELS: usize = 10;

/// Where a label's value comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Client,
    Server,
    ServerPort,
    Role,
    Protocol,
    Name,
    Error,
    Missing,
    Attribute(Key),
}

impl Source {
    #[inline]
    pub(super) fn of(self, request: &Request) -> Cell<'_> {
        match self {
            Source::Client => ends::end(&request.ends.client),
            Source::Server => ends::end(&request.ends.server),
            Source::ServerPort => match request.ends.server.endpoint.port() {
                Some(port) => Cell::Int(port.into()),
                None => Cell::None,
            },
            Source::Role => Cell::Text(if request.role == Role::Server { "server" } else { "client" }),
            Source::Protocol => Cell::Text(request.protocol),
            Source::Name => Cell::text(&request.name),
            Source::Error => request.error.as_ref().map_or(Cell::None, |error| Cell::text(error)),
            Source::Missing => request.incomplete.map_or(Cell::None, |missing| Cell::Text(missing.as_str())),
            Source::Attribute(key) => match request.attributes.get(key) {
                None => Cell::None,
                Some(Value::Int(number)) => Cell::Int(*number),
                Some(Value::Word(word)) => Cell::text(word),
                Some(Value::Text(text)) => Cell::text(text),
            },
        }
    }
}

/// Lists of labels, each with where its value comes from.
macro_rules! labels {
    ($($labels:ident, $from:ident = [$($openness:ident $source:expr, $name:expr, $help:literal;)*])*) => {
        $(
            static $labels: &[Label] = &[$(Label::$openness($name, $help)),*];
            pub(super) static $from: &[Source] = &[$($source),*];
        )*
    };
}

const CLIENT: &str = names::CLIENT;
const SERVER: &str = names::SERVER;
const SERVER_PORT: &str = names::SERVER_PORT;
const ERROR: &str = names::ERROR_TYPE;
const PROTOCOL: &str = names::NETWORK_PROTOCOL_NAME;

labels! {
    HTTP, HTTP_FROM = [
        closed Source::Client, CLIENT, "who asks: the service, else the address; `internet` for public addresses";
        closed Source::Server, SERVER, "who answers, likewise; a Unix socket's path where nothing else is known";
        open Source::ServerPort, SERVER_PORT, "the server's port";
        closed Source::Attribute(names::HTTP_REQUEST_METHOD), names::HTTP_REQUEST_METHOD,
            "the method; `_OTHER` for an unknown one";
        open Source::Attribute(names::HTTP_ROUTE), names::HTTP_ROUTE,
            "the path's template, never the path itself";
        closed Source::Attribute(names::HTTP_RESPONSE_STATUS_CODE), names::HTTP_RESPONSE_STATUS_CODE,
            "the status code";
        closed Source::Error, ERROR, "how it failed: the status code, `timeout`, `reset`, `closed`";
        closed Source::Attribute(names::NETWORK_PROTOCOL_VERSION), names::NETWORK_PROTOCOL_VERSION,
            "HTTP's version";
    ]
    DATABASE, DATABASE_FROM = [
        closed Source::Client, CLIENT, "who asks: the service, else the address; `internet` for public addresses";
        closed Source::Server, SERVER, "who answers, likewise; a Unix socket's path where nothing else is known";
        open Source::ServerPort, SERVER_PORT, "the server's port";
        closed Source::Attribute(names::DB_SYSTEM_NAME), names::DB_SYSTEM_NAME, "which database it is";
        open Source::Attribute(names::DB_NAMESPACE), names::DB_NAMESPACE, "the database";
        closed Source::Attribute(names::DB_OPERATION_NAME), names::DB_OPERATION_NAME, "the command";
        open Source::Attribute(names::DB_COLLECTION_NAME), names::DB_COLLECTION_NAME,
            "the table, where it is a single one";
        open Source::Attribute(names::DB_QUERY_SUMMARY), names::DB_QUERY_SUMMARY,
            "the statement's operations and their tables";
        closed Source::Attribute(names::DB_RESPONSE_STATUS_CODE), names::DB_RESPONSE_STATUS_CODE,
            "the server's error code";
        closed Source::Error, ERROR, "how it failed: the error code, `timeout`, `reset`, `closed`";
    ]
    DNS, DNS_FROM = [
        closed Source::Client, CLIENT, "who asks: the service, else the address; `internet` for public addresses";
        closed Source::Server, SERVER, "who answers, likewise";
        open Source::ServerPort, SERVER_PORT, "the server's port";
        open Source::Attribute(names::DNS_QUESTION_NAME), names::DNS_QUESTION_NAME, "the name that was asked for";
        closed Source::Attribute(names::DNS_QUESTION_TYPE), names::DNS_QUESTION_TYPE,
            "the type that was asked for";
        closed Source::Error, ERROR, "how it failed: the code of the answer, `timeout`";
    ]
    ANY, ANY_FROM = [
        closed Source::Client, CLIENT, "who asks: the service, else the address; `internet` for public addresses";
        closed Source::Server, SERVER, "who answers, likewise; a Unix socket's path where nothing else is known";
        open Source::ServerPort, SERVER_PORT, "the server's port";
        closed Source::Protocol, PROTOCOL, "the protocol";
        open Source::Name, "weir.request.name", "what was asked";
        closed Source::Error, ERROR, "how it failed";
    ]
    WAITING, WAITS_FROM = [
        closed Source::Client, CLIENT, "who asks: the service, else the address; `internet` for public addresses";
        closed Source::Server, SERVER, "who answers, likewise; a Unix socket's path where nothing else is known";
        closed Source::Role, "weir.role", "the side that was seen: `client` or `server`";
        closed Source::Protocol, PROTOCOL, "the protocol";
        open Source::Name, "weir.request.name", "what was asked: `BLPOP`, `GET /events`";
        closed Source::Error, ERROR, "how it failed";
    ]
    PARTLY, INCOMPLETE_FROM = [
        closed Source::Client, CLIENT, "who asks: the service, else the address; `internet` for public addresses";
        closed Source::Server, SERVER, "who answers, likewise; a Unix socket's path where nothing else is known";
        closed Source::Role, "weir.role", "the side that was seen: `client` or `server`";
        closed Source::Protocol, PROTOCOL, "the protocol";
        closed Source::Missing, names::WEIR_MISSING,
            "what was not seen: `request`, `response`, `start` (of the connection)";
    ]
}

/// Requests that are counted by the same metrics.
pub(super) struct Family {
    /// Attributes of which each shows that a request belongs here; none for the last family, which takes what is left.
    markers: &'static [Key],
    pub(super) from: &'static [Source],
    /// The client's metric and the server's.
    pub(super) sides: [&'static Metric; 2],
}

const fn duration(name: &'static str, help: &'static str, labels: &'static [Label]) -> Metric {
    Metric { name, help, unit: Unit::Seconds, kind: Kind::Histogram(&Buckets::DURATIONS), labels }
}

static HTTP_CLIENT: Metric =
    duration("http.client.request.duration", "Duration of HTTP requests, as the client saw them", HTTP);
static HTTP_SERVER: Metric =
    duration("http.server.request.duration", "Duration of HTTP requests, as the server saw them", HTTP);
static DATABASE_CLIENT: Metric = duration(
    "db.client.operation.duration",
    "Duration of database operations, as the client saw them",
    DATABASE,
);
static DATABASE_SERVER: Metric = duration(
    "db.server.operation.duration",
    "Duration of database operations, as the server saw them",
    DATABASE,
);
static DNS_CLIENT: Metric =
    duration("dns.lookup.duration", "Duration of DNS queries, as the client saw them", DNS);
static DNS_SERVER: Metric =
    duration("dns.server.lookup.duration", "Duration of DNS queries, as the server saw them", DNS);
static ANY_CLIENT: Metric =
    duration("weir.client.request.duration", "Duration of other requests, as the client saw them", ANY);
static ANY_SERVER: Metric =
    duration("weir.server.request.duration", "Duration of other requests, as the server saw them", ANY);
/// Requests whose time is the caller's wish.
pub(super) static WAITS: Metric = Metric {
    name: "weir.request.waits",
    help: "Requests that waited because the caller wished so (blocking commands, long polls); no histogram has them",
    unit: Unit::Number("request"),
    kind: Kind::Counter,
    labels: WAITING,
};
/// Requests that were not seen whole.
pub(super) static INCOMPLETE: Metric = Metric {
    name: "weir.request.incomplete",
    help: "Requests that were not seen whole: counted in the histograms too, with a duration that may be too short",
    unit: Unit::Number("request"),
    kind: Kind::Counter,
    labels: PARTLY,
};

/// All families. That of other protocols comes last.
pub(super) static FAMILIES: &[Family] = &[
    Family { markers: &[names::HTTP_REQUEST_METHOD], from: HTTP_FROM, sides: [&HTTP_CLIENT, &HTTP_SERVER] },
    Family {
        markers: &[names::DB_SYSTEM_NAME],
        from: DATABASE_FROM,
        sides: [&DATABASE_CLIENT, &DATABASE_SERVER],
    },
    Family {
        markers: &[names::DNS_QUESTION_TYPE, names::WEIR_DNS_RESPONSE_CODE],
        from: DNS_FROM,
        sides: [&DNS_CLIENT, &DNS_SERVER],
    },
    Family { markers: &[], from: ANY_FROM, sides: [&ANY_CLIENT, &ANY_SERVER] },
];

/// All metrics of requests, in the order of the page.
pub static METRICS: &[&Metric] = &[
    &HTTP_CLIENT,
    &HTTP_SERVER,
    &DATABASE_CLIENT,
    &DATABASE_SERVER,
    &DNS_CLIENT,
    &DNS_SERVER,
    &ANY_CLIENT,
    &ANY_SERVER,
    &WAITS,
    &INCOMPLETE,
];

/// The place of the request's family. Protocols give what marks them early, so that few attributes are looked at.
pub(super) fn of(request: &Request) -> usize {
    let family = |key: Key| FAMILIES.iter().position(|family| family.markers.contains(&key));
    request.attributes.iter().find_map(|(key, _)| family(key)).unwrap_or(FAMILIES.len() - 1)
}

/// The family and the side that a metric is of; `None` for one that counts requests of all.
pub(super) fn side(metric: &Metric) -> Option<(usize, usize)> {
    let is_it = |other: &&Metric| std::ptr::eq(*other, metric);
    let in_family = |(place, family): (usize, &Family)| Some((place, family.sides.iter().position(is_it)?));
    FAMILIES.iter().enumerate().find_map(in_family)
}
