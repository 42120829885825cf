//! Which requests are shown.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum, value_parser};
use model::{Request, Role, Value, names};
use protocols::Protocol;
use wildmatch::WildMatch;

use crate::nearest::{distance, nearest};
use crate::units::{Duration, parse_duration};
use crate::who::{Who, any, is_glob};

/// What is shown, as typed. An option may be given several times: one of its values has to match. Every
/// option that is given has to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filter")]
pub struct FilterArgs {
    /// Only what this process does: its command (`*` and `?` allowed) or its id.
    #[arg(long, value_name = "NAME|PID", value_parser = NonEmptyStringValueParser::new())]
    pub process: Vec<String>,
    /// Only calls from or to this service (`*` and `?` allowed).
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub service: Vec<String>,
    /// Only calls to this port of the server.
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub port: Vec<u16>,
    /// Only this protocol (the list is made of the registry).
    #[arg(long, value_name = "NAME", value_parser = parse_protocol, help = protocol_help())]
    pub protocol: Vec<&'static str>,
    /// Only what ended so: ok, error, timeout, a code such as 404, 42P01 or NXDOMAIN, or a class such as 5xx.
    #[arg(long, value_name = "ok|error|CODE", value_parser = Status::parse)]
    pub status: Vec<Status>,
    /// Only requests whose name, path or statement, or name that DNS was asked for, contains this, or fits it when it has
    /// a `*` or `?`.
    #[arg(long, value_name = "GLOB", value_parser = NonEmptyStringValueParser::new())]
    pub name: Vec<String>,
    /// Only errors.
    #[arg(long)]
    pub errors: bool,
    /// Only what took at least this long (such as 1ms; a bare number is seconds). What waited on purpose is
    /// not slow.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub slower: Option<Duration>,
    /// Only what was seen on this side.
    #[arg(long, value_enum)]
    pub role: Option<Side>,
}

/// A side of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Calls that a process of this host makes.
    Client,
    /// Calls that a process of this host answers.
    Server,
}

impl Side {
    /// The role of who is observed there.
    pub fn role(self) -> Role {
        match self {
            Side::Client => Role::Client,
            Side::Server => Role::Server,
        }
    }
}

/// What is shown, compiled.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    processes: Vec<Who>,
    services: Vec<WildMatch>,
    ports: Vec<u16>,
    protocols: Vec<&'static str>,
    statuses: Vec<Status>,
    names: Vec<Name>,
    errors: bool,
    slower: Option<Duration>,
    role: Option<Role>,
}

impl Filter {
    /// True when the request is to be shown.
    pub fn matches(&self, request: &Request) -> bool {
        // The cheap and the most telling first.
        self.role.is_none_or(|role| role == request.role)
            && (!self.errors || request.error.is_some())
            && self.slower.is_none_or(|least| request.duration >= least.0 && !request.waiting)
            && any(&self.ports, |port| request.ends.server.endpoint.port() == Some(*port))
            && any(&self.protocols, |protocol| *protocol == request.protocol)
            && any(&self.processes, |who| who.matches(request.ends.process.as_ref()))
            && any(&self.services, |service| has_service(request, service))
            && any(&self.statuses, |status| status.matches(request))
            && any(&self.names, |name| name.matches(request))
    }
}

impl From<&FilterArgs> for Filter {
    fn from(typed: &FilterArgs) -> Self {
        Filter {
            processes: typed.process.iter().map(|who| Who::new(who)).collect(),
            services: typed.service.iter().map(|name| WildMatch::new(name)).collect(),
            ports: typed.port.clone(),
            protocols: typed.protocol.clone(),
            statuses: typed.status.clone(),
            names: typed.name.iter().map(|name| Name::new(name)).collect(),
            errors: typed.errors,
            slower: typed.slower,
            role: typed.role.map(Side::role),
        }
    }
}

/// `Only this protocol: http, redis or dns`, with their other names.
fn protocol_help() -> String {
    let names: Vec<String> = Protocol::shown()
        .map(|protocol| match protocol.also() {
            [] => protocol.name().to_owned(),
            also => format!("{} ({})", protocol.name(), also.join(", ")),
        })
        .collect();
    format!("Only this protocol: {}", listed(&names, "or"))
}

/// `a, b and c`.
fn listed(words: &[impl AsRef<str>], last: &str) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// The name of a protocol whose requests are shown, by any of the names that it goes by.
fn parse_protocol(typed: &str) -> Result<&'static str, String> {
    // One that is recognised and left alone has no requests.
    if let Some(found) = Protocol::shown().find(|shown| Protocol::named(typed) == Some(*shown)) {
        return Ok(found.name());
    }
    let names: Vec<&'static str> = Protocol::shown().map(Protocol::name).collect();
    let known = listed(&names, "and");
    let others = Protocol::shown().flat_map(Protocol::also);
    Err(match nearest(typed, names.iter().copied().chain(others.copied())) {
        Some(meant) => format!("did you mean {meant}? Known are {known}"),
        None => format!("known are {known}"),
    })
}

fn has_service(request: &Request, wanted: &WildMatch) -> bool {
    let process = request.ends.process.as_ref().map(|process| &process.service);
    let ends = [request.ends.client.service.as_ref(), request.ends.server.service.as_ref(), process];
    ends.into_iter().flatten().any(|service| wanted.matches(service))
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Without an error.
    Ok,
    /// With one.
    Error,
    /// `5xx`, by its first digit.
    Class(i64),
    /// What `error` says, or the protocol's own code.
    Code(String),
}

/// How a request of any protocol may end, besides its own codes.
const ENDS: &[&str] = &["ok", "error", "timeout", "closed", "reset", "aborted"];

impl Status {
    /// Takes what can be an outcome, in whatever case; a word that is none would silently show nothing.
    fn parse(typed: &str) -> Result<Self, String> {
        let lower = typed.to_ascii_lowercase();
        match lower.as_str() {
            "ok" => return Ok(Status::Ok),
            "error" => return Ok(Status::Error),
            _ => {}
        }
        let digits = lower.strip_suffix("xx").or_else(|| lower.strip_suffix("**"));
        if let Some(class @ 1..=5) = digits.filter(|digits| digits.len() == 1).and_then(|d| d.parse().ok()) {
            return Ok(Status::Class(class));
        }
        let own: Vec<&str> = Protocol::shown().flat_map(Protocol::error_words).collect();
        let known = || ENDS.iter().chain(&own).copied();
        if is_code(typed) || known().any(|word| word.eq_ignore_ascii_case(typed)) {
            return Ok(Status::Code(typed.to_owned()));
        }
        let meant = nearest(typed, known());
        // Errors of Redis are any word in capitals, so one that is not like a known one may well occur.
        let misspelt =
            meant.is_some_and(|meant| typed.len() >= 5 && distance(&lower, &meant.to_ascii_lowercase()) == 1);
        if is_word(typed) && !misspelt {
            return Ok(Status::Code(typed.to_owned()));
        }
        let known = format!(
            "known are {}; a code, such as 404, 42P01, NXDOMAIN or WRONGTYPE; and a class of HTTP codes: 1xx to 5xx",
            listed(ENDS, "and")
        );
        Err(meant.map_or_else(|| known.clone(), |meant| format!("did you mean {meant}? {known}")))
    }

    fn matches(&self, request: &Request) -> bool {
        let http = match request.attributes.get(names::HTTP_RESPONSE_STATUS_CODE) {
            Some(Value::Int(code)) => Some(*code),
            _ => None,
        };
        match self {
            Status::Ok => request.error.is_none(),
            Status::Error => request.error.is_some(),
            Status::Class(class) => http.is_some_and(|code| code / 100 == *class),
            Status::Code(code) => {
                let is = |key| match request.attributes.get(key) {
                    Some(Value::Text(text)) => text.eq_ignore_ascii_case(code),
                    Some(Value::Word(word)) => word.eq_ignore_ascii_case(code),
                    Some(Value::Int(number)) => code.parse() == Ok(*number),
                    None => false,
                };
                request.error.as_ref().is_some_and(|error| error.eq_ignore_ascii_case(code))
                    || http.is_some_and(|http| code.parse() == Ok(http))
                    || is(names::DB_RESPONSE_STATUS_CODE)
                    || is(names::WEIR_DNS_RESPONSE_CODE)
            }
        }
    }
}

/// HTTP's codes have three digits, MySQL's four or five, an SQLSTATE five digits and letters, of which one at least is
/// a digit.
fn is_code(typed: &str) -> bool {
    let digits = typed.bytes().filter(u8::is_ascii_digit).count();
    typed.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && match typed.len() {
            3 | 4 => digits == typed.len(),
            length => length == 5 && digits > 0,
        }
}

/// The errors of Redis and DNS are words in capitals.
fn is_word(typed: &str) -> bool {
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    typed.len() >= 2
        && typed.bytes().all(capital)
        && typed.starts_with(|first: char| first.is_ascii_uppercase())
}

#[derive(Debug, Clone)]
enum Name {
    Glob(WildMatch),
    /// In lower case.
    Part(String),
}

impl Name {
    fn new(typed: &str) -> Self {
        if is_glob(typed) { Name::Glob(WildMatch::new(typed)) } else { Name::Part(typed.to_lowercase()) }
    }

    fn matches(&self, request: &Request) -> bool {
        let text = |key| match request.attributes.get(key) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let asked = [names::URL_PATH, names::DB_QUERY_TEXT, names::DNS_QUESTION_NAME].map(text);
        [Some(request.name.as_str())].into_iter().chain(asked).flatten().any(|text| match self {
            Name::Glob(glob) => glob.matches(text),
            Name::Part(part) => text.to_lowercase().contains(part.as_str()),
        })
    }
}
