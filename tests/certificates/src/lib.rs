//! Certificates for tests, made anew by openssl.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A certificate that vouches for itself, and its key, as `NAME.pem` and `NAME.key` in a folder: good for two days, for `NAME`
/// and 127.0.0.1, for a server as well as for a client. Whoever trusts it trusts nobody else.
///
/// # Errors
///
/// When openssl is not there, or cannot write to the folder.
pub fn certificate(folder: &Path, name: &str) -> io::Result<(PathBuf, PathBuf)> {
    certificate_of(folder, name, Ipv4Addr::LOCALHOST)
}

/// The same for another address.
///
/// # Errors
///
/// As [`certificate`].
pub fn certificate_of(folder: &Path, name: &str, address: Ipv4Addr) -> io::Result<(PathBuf, PathBuf)> {
    let (cert, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    let mut command = Command::new("openssl");
    command.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '));
    command.args(["-subj", &format!("/CN={name}")]);
    command.args(["-addext", &format!("subjectAltName=DNS:{name},IP:{address}")]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"]);
    command.arg(&key).arg("-out").arg(&cert).stderr(Stdio::null());
    match command.status()?.success() {
        true => Ok((cert, key)),
        false => Err(io::Error::other("openssl made no certificate")),
    }
}
