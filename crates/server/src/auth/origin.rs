//! Whether whoever asks without a token asks on his own account, or is a browser that a page of another site makes ask.
//!
//! A browser runs anybody's code on the user's own host, behind every firewall. A page cannot read what another site
//! answers, but it can send (so `Origin` and `Sec-Fetch-Site` are looked at), and its owner can have his own name lead to
//! 127.0.0.1 once the page is loaded, after which all of it is one site for the browser (so the name in `Host` has to be one
//! that only this server can have). With a token none of this matters: no browser adds it of its own accord.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};

use crate::problem::{Kind, Problem};

/// Headers by which proxies tell that they pass on what another has asked.
const PASSED_ON: [HeaderName; 5] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("via"),
];

/// Somebody passes on what another has asked. What such headers say is not believed; that they are there is enough.
pub(super) fn is_passed_on(headers: &HeaderMap) -> bool {
    PASSED_ON.iter().any(|name| headers.contains_key(name))
}

/// What is wrong with a request that shows no token; nothing, if it may be answered.
pub(super) fn check(parts: &Parts, names: &[String]) -> Result<(), Problem> {
    let host = authority(parts)?;
    let name = name(&host);
    if !is_own(name, names) {
        let shown: String = name.chars().take(100).collect();
        let told = format!("'{shown}' is no name of this server that is known to it");
        return Err(Problem::new(Kind::WrongHost, told).with("host", shown));
    }
    let text = |name: HeaderName| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_foreign = |origin: &str| {
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        own.is_none_or(|own| !own.eq_ignore_ascii_case(&host))
    };
    let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if (!reads || parts.headers.contains_key(UPGRADE)) && text(ORIGIN).is_some_and(is_foreign) {
        return Err(Problem::new(Kind::ForeignOrigin, "the page that asks is not this server's"));
    }
    let fetch = |name| text(HeaderName::from_static(name));
    let opens_a_page = parts.method == Method::GET
        && fetch("sec-fetch-mode") == Some("navigate")
        && fetch("sec-fetch-dest") == Some("document");
    match fetch("sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(()),
        // Somebody follows a link to Weir: what is shown is not seen by where he comes from.
        Some(_) if opens_a_page => Ok(()),
        Some(_) => Err(Problem::new(Kind::ForeignOrigin, "a page of another site has the browser ask")),
    }
}

/// The host and port that are asked. A request may say them in its target and in `Host`; then both are the same.
fn authority(parts: &Parts) -> Result<String, Problem> {
    let unclear = |told: &str| Err(Problem::new(Kind::InvalidRequest, told));
    let mut hosts = parts.headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return unclear("there are several headers `Host`");
    }
    let Ok(header) = first.map(|host| host.to_str()).transpose() else {
        return unclear("the header `Host` is no text");
    };
    match (parts.uri.authority(), header) {
        (None, None) => unclear("there is no header `Host`"),
        (None, Some(host)) => Ok(host.to_owned()),
        (Some(target), Some(host)) if !target.as_str().eq_ignore_ascii_case(host) => {
            unclear("the header `Host` is not what the target says")
        }
        (Some(target), _) => Ok(target.as_str().to_owned()),
    }
}

/// A host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Of an IPv6 address without a port, the last colon is a part.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// True of names that nobody else's page can have: addresses, names of this host only, names without a dot (which the
/// Internet's name servers do not give away), and those that the user gives.
fn is_own(name: &str, names: &[String]) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    address.parse::<IpAddr>().is_ok()
        || name.ends_with(".localhost")
        || !name.is_empty() && name.bytes().all(plain)
        || names.iter().any(|own| own.eq_ignore_ascii_case(&name))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn check_of(line: &str, headers: &[(&str, &str)]) -> Result<(), u16> {
        let (method, target) = line.split_once(' ').expect("two words");
        let builder = Request::builder().method(method).uri(target);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let (parts, ()) = builder.body(()).expect("a request").into_parts();
        check(&parts, &["Weir.example.com".to_owned()]).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn only_names_that_nobody_else_can_have_are_answered() {
        let own = [
            "localhost",
            "localhost:7400",
            "LOCALHOST",
            "localhost.",
            "a.localhost:1",
            "127.0.0.1",
            "127.0.0.1:7400",
            "[::1]",
            "[::1]:7400",
            "10.0.0.7:7400",
            "weir",
            "weir-server:7400",
            "weir.example.com",
            "WEIR.example.com:443",
        ];
        for host in own {
            assert_eq!(check_of("GET /", &[("host", host)]), Ok(()), "{host}");
        }
        let others = [
            "evil.example.com",
            "weir.example.com.evil.com",
            "127.0.0.1.evil.com",
            "localhost.evil.com",
            "xlocalhost.com",
            "evil.com:7400",
            "[::1].evil.com",
            "",
            ":7400",
            "a b",
            "localhost@evil.com",
            "7400:localhost:x.y",
            "1.2.3",
            ".",
        ];
        for host in others {
            assert_eq!(check_of("GET /", &[("host", host)]), Err(421), "{host}");
        }
    }

    #[test]
    fn who_is_asked_is_said_once() {
        assert_eq!(check_of("GET /", &[]), Err(400));
        assert_eq!(check_of("GET /", &[("host", "localhost"), ("host", "localhost")]), Err(400));
        assert_eq!(check_of("GET http://localhost/", &[("host", "evil.com")]), Err(400));
        assert_eq!(check_of("GET http://evil.com/", &[("host", "localhost")]), Err(400));
        assert_eq!(check_of("GET http://evil.com/", &[]), Err(421));
        assert_eq!(check_of("GET http://localhost:7400/", &[]), Ok(()), "as HTTP/2 has it");
        assert_eq!(check_of("GET http://localhost:7400/", &[("host", "localhost:7400")]), Ok(()));
    }

    #[test]
    fn other_sites_pages_may_lead_here_and_nothing_else() {
        let host = ("host", "localhost:7400");
        type Case = (&'static str, &'static [(&'static str, &'static str)], Result<(), u16>);
        let cases: &[Case] = &[
            ("POST /", &[], Ok(())),
            ("POST /", &[("origin", "http://localhost:7400")], Ok(())),
            ("POST /", &[("origin", "http://localhost:3000")], Err(403)),
            ("POST /", &[("origin", "https://evil.com")], Err(403)),
            ("POST /", &[("origin", "null")], Err(403)),
            ("POST /", &[("origin", "")], Err(403)),
            ("DELETE /", &[("origin", "http://localhost")], Err(403)),
            ("GET /", &[("origin", "https://evil.com")], Ok(())),
            ("GET /", &[("origin", "https://evil.com"), ("upgrade", "websocket")], Err(403)),
            ("GET /", &[("sec-fetch-site", "same-origin")], Ok(())),
            ("GET /", &[("sec-fetch-site", "none")], Ok(())),
            ("GET /", &[("sec-fetch-site", "cross-site")], Err(403)),
            ("GET /", &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")], Err(403)),
            ("GET /", &[("sec-fetch-site", "anything")], Err(403)),
            (
                "GET /",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ],
                Ok(()),
            ),
            (
                "GET /",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "iframe"),
                ],
                Err(403),
            ),
            (
                "POST /",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ],
                Err(403),
            ),
        ];
        for (line, headers, expected) in cases {
            let headers: Vec<_> = std::iter::once(host).chain(headers.iter().copied()).collect();
            assert_eq!(check_of(line, &headers), *expected, "{line} {headers:?}");
        }
    }
}
