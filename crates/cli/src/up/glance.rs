//! What is seen, told in a sentence a few seconds after the start, and when it has become something else.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use server::Server;
use server::api::Glance;

use crate::say::say;
use crate::units::{Count, Duration as Time};

/// When it is first looked.
const FIRST: Duration = Duration::from_secs(3);
/// While there is nothing, and after that.
const AGAIN: Duration = Duration::from_secs(5);
/// After so many looks without anything it is said what to try.
const PATIENCE: u32 = 2;

/// Looks, until it is dropped.
pub(super) struct Glancing {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Glancing {
    pub(super) fn start(server: Arc<Server>) -> anyhow::Result<Self> {
        let (end, ended) = channel();
        let thread = std::thread::Builder::new().name("weir-glance".into()).spawn(move || {
            crate::agent::give_up_rights();
            look(&server, &ended);
        });
        Ok(Glancing { end: Some(end), thread: Some(thread.context("a thread")?) })
    }
}

impl Drop for Glancing {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing more to say.
            let _ = thread.join();
        }
    }
}

fn look(server: &Server, ended: &Receiver<()>) {
    let url = server.addresses().first().map(|address| crate::server::url(*address)).unwrap_or_default();
    say(format_args!("starting: {url}"));
    let (mut wait, mut nothing, mut told) = (FIRST, 0, None);
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(wait) {
        wait = AGAIN;
        let Some(glance) = server.glance("-10s") else { continue };
        let seen = (glance.services, glance.databases, glance.caches);
        if seen == (0, 0, 0) {
            nothing += 1;
            if nothing == PATIENCE {
                say(hint(&url));
            }
        } else if told != Some(seen) {
            told = Some(seen);
            say(format_args!("{} · {url}", sentence(&glance)));
        }
    }
}

/// What to try where nothing is seen. Many hosts have no web server: a call that nobody answers is no request.
fn hint(url: &str) -> String {
    format!(
        "nothing is asked on this host yet; try: curl http://localhost (no server there? python3 -m http.server 8000, \
         then curl http://localhost:8000), and look at {url} or weir requests"
    )
}

/// `4 services, 2 databases, 310 requests/s; slowest: mysql SELECT orders, p95 31 ms`.
fn sentence(glance: &Glance) -> String {
    let some = |count: usize, one: &str, several: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{} {several}", Count(count as u64))),
    };
    let parts = [
        some(glance.services, "service", "services"),
        some(glance.databases, "database", "databases"),
        some(glance.caches, "cache", "caches"),
        Some(match glance.rate {
            rate if rate >= 10.0 => format!("{} requests/s", Count(rate.round() as u64)),
            rate => format!("{rate:.1} requests/s"),
        }),
    ];
    let mut text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if let Some((server, name, p95)) = &glance.slowest {
        text += &format!("; slowest: {server} {name}, p95 {}", Time((p95 * 1e9) as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_host_is_told_what_to_try_in_one_line() {
        let hint = hint("http://127.0.0.1:7400/");
        for said in [
            "curl http://localhost",
            "python3 -m http.server 8000",
            "http://127.0.0.1:7400/",
            "weir requests",
        ] {
            assert!(hint.contains(said), "`{said}` is not in: {hint}");
        }
        assert!(!hint.contains('\n') && !hint.contains("  "), "more than a line, or a hole in it: {hint}");
    }

    #[test]
    fn a_sentence_tells_what_there_is() {
        let glance = Glance {
            services: 4,
            databases: 1,
            caches: 0,
            rate: 310.4,
            slowest: Some(("mysql".into(), "SELECT orders".into(), 0.031)),
        };
        let expected = "4 services, 1 database, 310 requests/s; slowest: mysql SELECT orders, p95 31 ms";
        assert_eq!(sentence(&glance), expected);
        assert_eq!(
            sentence(&Glance { caches: 2, rate: 0.25, ..Glance::default() }),
            "2 caches, 0.2 requests/s"
        );
    }
}
