//! Where a receiver is.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;

/// A receiver's address: `http://collector:4318`, perhaps with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    tls: bool,
    host: String,
    port: u16,
    /// Without a slash at its end.
    path: String,
}

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is no URL.
    #[error("'{0}' is no URL, such as http://collector:4318")]
    Url(String),
    /// It is one of another kind.
    #[error("it has to begin with http:// or https://")]
    Scheme,
    /// It holds what belongs elsewhere.
    #[error("a user or password has no place in it: headers can carry them")]
    User,
    /// It asks for something.
    #[error("it has a query, which receivers do not take")]
    Query,
}

impl Endpoint {
    /// True for `https`.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The name or address, without the brackets of IPv6.
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, as headers have it.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A place below its path.
    pub fn path(&self, below: &str) -> String {
        format!("{}{below}", self.path)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        // What is no URL may be a mistyped one with a password in it.
        if text.contains('@') {
            return Err(EndpointError::User);
        }
        let uri: Uri = text.trim().parse().map_err(|_| EndpointError::Url(text.to_owned()))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(EndpointError::Scheme),
        };
        if uri.query().is_some() {
            return Err(EndpointError::Query);
        }
        let host = uri.host().filter(|host| !host.is_empty());
        Ok(Endpoint {
            tls,
            host: host.ok_or_else(|| EndpointError::Url(text.to_owned()))?.to_owned(),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let cases = [
            ("http://collector:4318", Ok("http://collector:4318")),
            ("https://otlp.example.com", Ok("https://otlp.example.com:443")),
            ("http://127.0.0.1:4317/", Ok("http://127.0.0.1:4317")),
            ("http://[::1]:4317", Ok("http://[::1]:4317")),
            ("https://example.com/otlp/", Ok("https://example.com:443/otlp")),
            ("collector:4318", Err(EndpointError::Scheme)),
            ("ftp://collector:4318", Err(EndpointError::Scheme)),
            ("/v1/traces", Err(EndpointError::Scheme)),
            ("http://user:secret@collector:4318", Err(EndpointError::User)),
            ("http://collector:4318/?token=x", Err(EndpointError::Query)),
            ("http://", Err(EndpointError::Url("http://".into()))),
            ("http://a b", Err(EndpointError::Url("http://a b".into()))),
        ];
        for (text, expected) in cases {
            let found: Result<Endpoint, _> = text.parse();
            assert_eq!(found.map(|found| found.to_string()), expected.map(str::to_owned), "{text}");
        }
        let endpoint: Endpoint = "https://[::1]/otlp".parse().expect("an address");
        assert_eq!((endpoint.host(), endpoint.port(), endpoint.tls()), ("::1", 443, true));
        assert_eq!(
            (endpoint.authority().as_str(), endpoint.path("/v1/traces").as_str()),
            ("[::1]:443", "/otlp/v1/traces")
        );
    }
}
