//! Speaks to a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use ureq::http::StatusCode;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::settings::{Asking, SettingsArgs};

/// How long an answer may take: longer than the server works on one.
const PATIENCE: Duration = Duration::from_secs(30);
/// An answer has so many bytes at most.
const MOST_BYTES: u64 = 256 << 20;

/// The server that is asked.
#[derive(Debug)]
pub(super) struct Client {
    url: String,
    token: Option<String>,
    ca: Option<PathBuf>,
    /// What is shown to a server that wants to see one, and its key.
    shown: Option<(PathBuf, PathBuf)>,
}

impl Client {
    /// As it is set.
    pub(super) fn of(settings: &SettingsArgs<Asking>) -> anyhow::Result<Self> {
        let settings = settings.load()?;
        let ca = settings.client_ca().map(PathBuf::from);
        let shown = match (settings.client_cert(), settings.client_key()) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => bail!("client.cert and client.key go together: a certificate, and its key"),
        };
        Ok(Client { url: settings.client_url(), token: settings.client_token(), ca, shown })
    }

    /// Asks, and gives the answer as it came.
    ///
    /// # Errors
    ///
    /// When nobody answers, or the server says no: in its words.
    pub(super) fn text(&self, path: &str, parameters: &[(&str, String)]) -> anyhow::Result<String> {
        let url = format!("{}/api/v1/{path}", self.url.trim_end_matches('/'));
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .tls_config(self.tls()?)
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
            .build();
        let mut request = ureq::Agent::new_with_config(config).get(&url);
        for (name, value) in parameters {
            request = request.query(*name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        let mut answer = request.call().with_context(|| self.advice())?;
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string();
        let text = text.with_context(|| format!("reading the answer of {}", self.url))?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let said =
            problem.as_ref().and_then(|problem| problem.get("detail")?.as_str()).unwrap_or(text.trim());
        match status {
            StatusCode::UNAUTHORIZED => {
                bail!(
                    "{} wants a token: {said}\nset WEIR_CLIENT_TOKEN, or client.token in the file of settings; `weir token create` makes one there",
                    self.url
                )
            }
            _ => bail!("{said}"),
        }
    }

    /// Asks.
    ///
    /// # Errors
    ///
    /// As [`Client::text`], or when the answer is none that is known.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> anyhow::Result<T> {
        let text = self.text(path, parameters)?;
        serde_json::from_str(&text).with_context(|| {
            format!("the answer of {} is not understood: is it of another version of Weir?", self.url)
        })
    }

    fn advice(&self) -> String {
        format!("no answer from {}: does `weir up` or `weir server` run there? (--url tells where)", self.url)
    }

    fn tls(&self) -> anyhow::Result<TlsConfig> {
        let roots = match &self.ca {
            None => {
                let found = rustls_native_certs::load_native_certs().certs;
                found.into_iter().map(|found| Certificate::from_der(&found).to_owned()).collect()
            }
            Some(path) => certificates(path)?,
        };
        let shown = self.shown.as_ref().map(|(certificate, key)| {
            let name = key.display();
            let pem = std::fs::read(key).with_context(|| format!("reading {name}"))?;
            let key =
                PrivateKey::from_pem(&pem).with_context(|| format!("{name} holds no key in the form PEM"))?;
            anyhow::Ok(ClientCert::new_with_certs(&certificates(certificate)?, key))
        });
        Ok(TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .client_cert(shown.transpose()?)
            .build())
    }
}

/// The certificates of a file; there is one at least.
fn certificates(path: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let name = path.display();
    let pem = std::fs::read(path).with_context(|| format!("reading {name}"))?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let found: Vec<_> = parse_pem(&pem).filter_map(certificate).collect();
    if found.is_empty() {
        bail!("{name} holds no certificate in the form PEM");
    }
    Ok(found)
}
