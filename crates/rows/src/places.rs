//! Where the columns of `requests` are.

use model::names;
use schema::Table;

/// The columns of what is no attribute, each by the name of what it tells.
#[allow(missing_docs)]
pub struct Places {
    pub time: usize,
    pub duration: usize,
    pub service: usize,
    pub host: usize,
    pub role: usize,
    pub protocol: usize,
    pub name: usize,
    pub error: usize,
    pub client: EndPlaces,
    pub server: EndPlaces,
    pub pid: usize,
    pub command: usize,
    pub thread: usize,
    pub connection: usize,
    pub request_size: usize,
    pub response_size: usize,
    pub waiting: usize,
    pub missing: usize,
    pub joined: JoinedPlaces,
    pub sequence: usize,
    pub trace: usize,
    pub span: usize,
    pub flags: usize,
    pub attributes: usize,
}

/// The same of a place in a trace.
#[allow(missing_docs)]
pub struct JoinedPlaces {
    pub trace: usize,
    pub span: usize,
    pub parent: usize,
    pub evidence: usize,
}

/// The same of an end.
#[allow(missing_docs)]
pub struct EndPlaces {
    pub service: usize,
    pub address: usize,
    pub port: usize,
}

impl Default for Places {
    fn default() -> Self {
        // A test looks whether each is there.
        let at = |name: &str| Table::Requests.column(name).map_or(usize::MAX, |(place, _)| place);
        Places {
            time: at("time"),
            duration: at("duration"),
            service: at(names::SERVICE_NAME),
            host: at(names::HOST_NAME),
            role: at("role"),
            protocol: at(names::NETWORK_PROTOCOL_NAME),
            name: at("name"),
            error: at(names::ERROR_TYPE),
            client: EndPlaces {
                service: at(names::CLIENT),
                address: at("weir.client.address"),
                port: at("weir.client.port"),
            },
            server: EndPlaces {
                service: at(names::SERVER),
                address: at("weir.server.address"),
                port: at("weir.server.port"),
            },
            pid: at(names::PROCESS_PID),
            command: at(names::PROCESS_EXECUTABLE_NAME),
            thread: at(names::THREAD_ID),
            connection: at(names::WEIR_CONNECTION),
            request_size: at(names::WEIR_REQUEST_SIZE),
            response_size: at(names::WEIR_RESPONSE_SIZE),
            waiting: at(names::WEIR_WAITING),
            missing: at(names::WEIR_MISSING),
            joined: JoinedPlaces {
                trace: at(names::WEIR_TRACE),
                span: at(names::WEIR_SPAN),
                parent: at(names::WEIR_PARENT),
                evidence: at(names::WEIR_EVIDENCE),
            },
            sequence: at(names::WEIR_SEQUENCE),
            trace: at("trace_id"),
            span: at("parent_span_id"),
            flags: at("trace_flags"),
            attributes: at("attributes"),
        }
    }
}
