//! Who is trusted.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use certificates::certificate;
use common::{Seen, answer, clocks, destination, offer, start, until};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use otlp::{Config, Destination, Exporter, Protocol, Tls};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

const WHILE: Duration = Duration::from_secs(10);

/// A receiver that shows a certificate and wants to see that of a client.
fn serve(shown: &(PathBuf, PathBuf), wanted: Option<&Path>) -> (SocketAddr, Arc<Seen>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match wanted {
        None => builder.with_no_client_auth(),
        Some(wanted) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(wanted).unwrap()).unwrap();
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_file(&shown.0).unwrap()];
    let config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(&shown.1).unwrap()).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let serving = seen.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Who is not trusted is gone again.
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let seen = serving.clone();
                let service = service_fn(move |request| answer(request, seen.clone()));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
    });
    (address, seen)
}

fn to(host: &str, address: SocketAddr, tls: Tls) -> Destination {
    Destination { tls, ..destination(&format!("https://{host}:{}", address.port()), Protocol::Http) }
}

/// What is said where nothing arrives.
fn trouble(destination: Destination) -> String {
    let exporter = start(vec![destination]);
    offer(&exporter, 1);
    until("a word", WHILE, || exporter.problems().all(|(_, problem)| problem.is_some()));
    let problem = exporter.problems().next().unwrap().1.unwrap();
    exporter.stop();
    problem
}

#[test]
fn only_who_is_vouched_for_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) =
        (certificate(folder.path(), "localhost").unwrap(), certificate(folder.path(), "other").unwrap());
    let (address, seen) = serve(&own, None);
    let ca = |path: &Path| Tls { ca: Some(path.to_owned()), ..Tls::default() };
    for destination in [
        to("localhost", address, ca(&own.0)),
        to("127.0.0.1", address, ca(&own.0)),
        to("localhost", address, Tls { insecure: true, ..Tls::default() }),
    ] {
        let before = seen.count();
        let exporter = start(vec![destination]);
        offer(&exporter, 10);
        until("spans", WHILE, || seen.count() == before + 10);
        assert_eq!(exporter.stop().dropped, 0);
    }
    let told = trouble(to("localhost", address, ca(&other.0)));
    assert!(told.starts_with("takes nothing: TLS: ") && told.contains("certificate"), "{told}");
    // The right certificate of another name.
    let (address, seen) = serve(&other, None);
    let told = trouble(to("localhost", address, ca(&other.0)));
    assert!(told.contains("certificate") && seen.count() == 0, "{told}");
}

#[test]
fn a_receiver_may_want_to_know_who_sends() {
    let folder = tempfile::tempdir().unwrap();
    let (own, client) =
        (certificate(folder.path(), "localhost").unwrap(), certificate(folder.path(), "client").unwrap());
    let (address, seen) = serve(&own, Some(&client.0));
    let anonymous = Tls { ca: Some(own.0.clone()), ..Tls::default() };
    trouble(to("localhost", address, anonymous.clone()));
    assert_eq!(seen.count(), 0);
    let known = Tls { cert: Some(client.0.clone()), key: Some(client.1.clone()), ..anonymous.clone() };
    let exporter = start(vec![to("localhost", address, known)]);
    offer(&exporter, 10);
    until("spans", WHILE, || seen.count() == 10);
    exporter.stop();
}

#[test]
fn what_cannot_be_used_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(folder.path(), "localhost").unwrap();
    let (_, another) = certificate(folder.path(), "another").unwrap();
    let missing = folder.path().join("missing.pem");
    let address = "127.0.0.1:1".parse().unwrap();
    let cases = [
        (Tls { ca: Some(missing), ..Tls::default() }, "missing.pem cannot be read"),
        (Tls { ca: Some(key.clone()), ..Tls::default() }, "localhost.key holds no certificate"),
        (Tls { cert: Some(cert.clone()), ..Tls::default() }, "tls_cert and tls_key go together"),
        (Tls { cert: Some(cert.clone()), key: Some(cert.clone()), ..Tls::default() }, "holds no private key"),
        (Tls { cert: Some(cert), key: Some(another), ..Tls::default() }, "certificates: "),
    ];
    let told = |destination: Destination| {
        let config = Config { destinations: vec![destination], version: "1", ..Config::default() };
        let metrics = signals::RequestMetrics::new(signals::Limits::default());
        let started = Exporter::start(config, Arc::new(common::State::of(metrics)), clocks, clocks());
        started.err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (tls, expected) in cases {
        let insecure = tls.ca.is_none();
        let said = told(to("localhost", address, Tls { insecure, ..tls }));
        assert!(said.starts_with("https://localhost:1: ") && said.contains(expected), "{expected}: {said}");
    }
    let headers = vec![("x token".to_owned(), "secret".to_owned())];
    let said = told(Destination { headers, ..destination("http://127.0.0.1:1", Protocol::Http) });
    assert!(said.contains("x token") && !said.contains("secret"), "{said}");
}
