//! Who is spoken to, and in what way.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::routing::get;
use certificates::certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use server::listen::{Limits, Peer, Protection, Tls, TlsFiles};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wire::{Server, until};

type Files = (PathBuf, PathBuf);

/// Times at which certificates were read anew, and what was said then.
type Said = Arc<Mutex<Vec<String>>>;

fn serve(files: TlsFiles) -> (Server, Said) {
    let said = Said::default();
    let told = said.clone();
    let told = Arc::new(move |outcome: Result<(), &server::listen::TlsError>| {
        let text = outcome.map_or_else(ToString::to_string, |()| "reloaded".into());
        told.lock().unwrap().push(text);
    });
    let protection = Protection::Tls(Arc::new(Tls::new(files, told).unwrap()));
    let router = Router::new().route(
        "/ok",
        get(|Extension(peer): Extension<Peer>| async move { format!("encrypted: {}", peer.encrypted) }),
    );
    let limits = Limits { head: Duration::from_millis(500), ..Limits::default() };
    // Not a loopback address, where TLS is not spoken.
    (Server::at("0.0.0.0:0", limits, &protection, router), said)
}

/// Asks by TLS: what was agreed on and what was answered, or what went wrong.
fn ask(
    server: &Server,
    trusted: &Path,
    own: Option<&Files>,
    alpn: &[u8],
) -> Result<(Option<Vec<u8>>, String), String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = vec![CertificateDer::from_pem_file(cert).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let told = |error: std::io::Error| error.to_string();
        let stream = TcpStream::connect(("127.0.0.1", server.address.port())).await.map_err(told)?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(told)?;
        let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        if alpn == b"h2" {
            return Ok((agreed, String::new()));
        }
        let request = b"GET /ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.map_err(told)?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.map_err(told)?;
        Ok((agreed, text))
    })
}

fn files(shown: &Files, client_ca: Option<&Path>) -> TlsFiles {
    TlsFiles { certificate: shown.0.clone(), key: shown.1.clone(), client_ca: client_ca.map(Path::to_owned) }
}

#[test]
fn what_is_asked_goes_through_tls() {
    let folder = tempfile::tempdir().unwrap();
    let shown = certificate(folder.path(), "shown").unwrap();
    let (server, _) = serve(files(&shown, None));
    let (agreed, text) = ask(&server, &shown.0, None, b"http/1.1").unwrap();
    assert_eq!(agreed.as_deref(), Some(&b"http/1.1"[..]));
    assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("encrypted: true"), "{text}");
    assert_eq!(ask(&server, &shown.0, None, b"h2").unwrap().0.as_deref(), Some(&b"h2"[..]));
    // Who speaks no TLS is not answered, and neither is who says nothing.
    let (mut plain, mut silent) = (server.connect(), server.connect());
    plain.send(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(!String::from_utf8_lossy(&plain.rest()).contains("200"));
    silent.rest();
    until("both are counted", || server.counts().tls == 2);
}

#[test]
fn with_an_authority_only_its_clients_are_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    let (shown, right, wrong) = (
        certificate(folder.path(), "shown").unwrap(),
        certificate(folder.path(), "right").unwrap(),
        certificate(folder.path(), "wrong").unwrap(),
    );
    let (server, _) = serve(files(&shown, Some(&right.0)));
    assert!(ask(&server, &shown.0, Some(&right), b"http/1.1").unwrap().1.starts_with("HTTP/1.1 200"));
    for own in [None, Some(&wrong)] {
        let told = ask(&server, &shown.0, own, b"http/1.1").expect_err("refused");
        assert!(told.contains("ertificate") || told.contains("UnknownCA"), "{told}");
    }
}

#[test]
fn certificates_that_change_are_shown_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (certificate(folder.path(), "old").unwrap(), certificate(folder.path(), "new").unwrap());
    let used = (folder.path().join("cert"), folder.path().join("key"));
    let put = |from: &Files| {
        fs::copy(&from.0, &used.0).unwrap();
        fs::copy(&from.1, &used.1).unwrap();
    };
    put(&old);
    let (server, said) = serve(files(&used, None));
    let shows = |trusted: &Files| ask(&server, &trusted.0, None, b"http/1.1").is_ok();
    assert!(shows(&old) && !shows(&new));
    // What is of no use changes nothing, and is said once.
    fs::write(&used.0, "nothing").unwrap();
    std::thread::sleep(Duration::from_millis(600));
    assert!(shows(&old));
    std::thread::sleep(Duration::from_millis(600));
    assert!(shows(&old));
    let told = said.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("holds no certificate"), "{told:?}");
    put(&new);
    until("the new one is shown", || shows(&new));
    assert_eq!(said.lock().unwrap().last().map(String::as_str), Some("reloaded"));
}

#[test]
fn files_that_do_not_fit_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) =
        (certificate(folder.path(), "one").unwrap(), certificate(folder.path(), "other").unwrap());
    let told = |files| Tls::new(files, Arc::new(|_| {})).expect_err("refused").to_string();
    assert!(told(files(&(one.0.clone(), other.1), None)).contains("certificates: "), "the key of another");
    assert!(told(files(&(one.1.clone(), one.1.clone()), None)).contains("holds no certificate"));
    assert!(told(files(&(one.0.clone(), one.0.clone()), None)).contains("holds no private key"));
    assert!(told(files(&(folder.path().join("none"), one.1), None)).contains("cannot be read"));
}
