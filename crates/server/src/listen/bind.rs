//! Where is listened, and whether that is wise.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use tokio::net::TcpListener;

use super::taken;
use super::tls::Tls;

/// Connections that the kernel keeps until they are taken.
const BACKLOG: i32 = 1024;

/// What keeps those who may not ask from it, where other hosts can connect.
#[derive(Debug, Clone)]
pub enum Protection {
    /// Nothing: only loopback addresses are allowed.
    None,
    /// TLS, and tokens within.
    Tls(Arc<Tls>),
    /// The user wants neither. TLS is spoken where there is a certificate.
    Insecure(Option<Arc<Tls>>),
}

/// Why nothing can be offered at an address.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error("{address} is taken by {by}: stop that, or choose another address with {option}")]
    Taken {
        /// The address.
        address: SocketAddr,
        /// Whoever listens there, as far as can be seen.
        by: String,
        /// The option by which the address was given.
        option: String,
    },
    /// Other hosts could ask, and nothing would keep them from it.
    #[error(
        "other hosts can connect to {address}, and there is no TLS. Set server.tls_cert and server.tls_key, and give out tokens \
         (`weir token create`); or choose a loopback address with {option}; or say --insecure, if whoever reaches it may read \
         and write everything"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
        /// The option by which the address was given.
        option: String,
    },
    /// The system says no.
    #[error("cannot listen on {address}: {error}{hint}")]
    System {
        /// The address.
        address: SocketAddr,
        /// What it says.
        error: io::Error,
        /// What may help, behind a colon; may be empty.
        hint: &'static str,
    },
}

/// A socket that is listened to, and what protects it.
#[derive(Debug)]
pub struct Bound {
    listener: StdListener,
    tls: Option<Arc<Tls>>,
}

impl Bound {
    /// Where it is.
    ///
    /// # Errors
    ///
    /// When the socket is of no use.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// It speaks TLS.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) fn into_parts(self) -> io::Result<(TcpListener, Option<Arc<Tls>>)> {
        self.listener.set_nonblocking(true)?;
        Ok((TcpListener::from_std(self.listener)?, self.tls))
    }
}

/// Begins to listen. On loopback addresses TLS is not spoken: nobody can listen in who could not look into the process too.
///
/// # Errors
///
/// When the address is taken or not to be had, or other hosts could ask without hindrance.
pub fn bind(address: SocketAddr, option: &str, protection: &Protection) -> Result<Bound, BindError> {
    let tls = match protection {
        _ if address.ip().to_canonical().is_loopback() => None,
        Protection::None => return Err(BindError::Exposed { address, option: option.to_owned() }),
        Protection::Tls(tls) => Some(tls.clone()),
        Protection::Insecure(tls) => tls.clone(),
    };
    let listener = StdListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let by = taken::by(address).unwrap_or_else(|| "another process".to_owned());
            BindError::Taken { address, by, option: option.to_owned() }
        }
        kind => BindError::System { address, error, hint: hint(kind) },
    })?;
    // What this raises is 128 connections, and what finds no room tries again after a second; it works without, too.
    let _ = socket2::SockRef::from(&listener).listen(BACKLOG);
    Ok(Bound { listener, tls })
}

fn hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrNotAvailable => ": this host has no such address",
        io::ErrorKind::PermissionDenied => ": ports below 1024 need the capability CAP_NET_BIND_SERVICE",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_hosts_are_let_in_only_by_tls_or_on_purpose() {
        let public: SocketAddr = "0.0.0.0:0".parse().expect("address");
        let refused = bind(public, "--listen", &Protection::None).expect_err("refused").to_string();
        for word in ["server.tls_cert", "weir token create", "--listen", "--insecure"] {
            assert!(refused.contains(word), "{refused}");
        }
        assert!(bind(public, "--listen", &Protection::Insecure(None)).is_ok());
        for loopback in ["127.0.0.1:0", "127.9.9.9:0", "[::1]:0"] {
            let address = loopback.parse().expect("address");
            match bind(address, "--listen", &Protection::None) {
                Ok(bound) => assert_ne!(bound.address().expect("address").port(), 0),
                // A host may be without IPv6.
                Err(BindError::System { .. }) if loopback.starts_with('[') => {}
                Err(error) => panic!("{loopback}: {error}"),
            }
        }
    }

    #[test]
    fn who_has_an_address_is_named() {
        let other = StdListener::bind("127.0.0.1:0").expect("a port");
        let address = other.local_addr().expect("address");
        let told = bind(address, "--listen", &Protection::None).expect_err("taken").to_string();
        let own = std::process::id();
        assert!(told.starts_with(&format!("{address} is taken by ")), "{told}");
        assert!(told.contains(&format!("(process {own})")), "{told}");
        assert!(told.ends_with("with --listen"), "{told}");
    }
}
