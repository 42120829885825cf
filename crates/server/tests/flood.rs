//! What many who mean no good can make the process hold. Alone in its file, for it looks at the process's memory.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod wire;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use server::auth::{Audit, Auth, Config, Loopback, Scope, TokenFile};
use server::listen::Limits;
use wire::{Client, Server};

/// What is done on a connection.
type Kind = Arc<dyn Fn(&mut Client) + Send + Sync>;

/// For so long it is flooded.
const LONG: Duration = Duration::from_secs(4);
/// The server may grow by so much: 512 connections that each hold a head, a piece of a body, or an answer of 256 KiB.
const MOST: u64 = 96 << 20;

/// Bytes that this process has in memory: the test's own clients, which are in it too, make the bound the harder.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn a_flood_does_not_keep_others_out_and_takes_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Arc::new(Audit::new(folder.path(), "test", Arc::new(|_| {})));
    let (secret, _) =
        TokenFile::new(folder.path()).create(Scope::Read, "test", None, server::auth::Moment::now()).unwrap();
    let config = Config { folder: folder.path().into(), loopback: Loopback::Token, ..Config::default() };
    let auth = Arc::new(Auth::new(config, audit).unwrap());
    let router = Router::new()
        .route("/ok", get(|| async { "ok" }))
        .route("/large", get(|| async { vec![b'x'; 256 << 10] }))
        .route("/read", post(|body: Bytes| async move { body.len().to_string() }));
    let server = Server::new(Limits::default(), auth.guard(router, Scope::Read));
    let token = format!("Authorization: Bearer {}\r\n", secret.as_str());
    let right = format!("GET /ok HTTP/1.1\r\nHost: localhost\r\n{token}\r\n");
    assert_eq!(server.ask(&right).status, 200);

    let before = resident();
    let stop = Arc::new(AtomicBool::new(false));
    let address = server.address;
    // What each of them does on one connection after the other, which it leaves open as long as it is let.
    let kinds: [Kind; 6] = [
        // Says nothing.
        Arc::new(|_| {}),
        // A head without an end.
        Arc::new(|client| client.send(format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(30_000)).as_bytes())),
        // A body without an end, and a token that is none.
        Arc::new(|client| {
            client.send(b"POST /read HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nContent-Length: 60000000\r\n\r\n");
            client.send(&[b'x'; 50_000]);
        }),
        // HTTP/2 without a request.
        Arc::new(|client| client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")),
        // Nonsense.
        Arc::new(|client| client.send(&[0xff; 5000])),
        // Large answers that nobody reads, for somebody who may ask.
        {
            let large = right.replace("/ok", "/large").repeat(4);
            Arc::new(move |client| client.send(large.as_bytes()))
        },
    ];
    let floods: Vec<_> = kinds
        .into_iter()
        .enumerate()
        .map(|(index, kind)| {
            let stop = stop.clone();
            let from = Ipv4Addr::new(127, 0, 1, u8::try_from(index).unwrap() + 1);
            std::thread::spawn(move || {
                let mut open = std::collections::VecDeque::new();
                let mut made = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let mut client = Client::new(address, from);
                    // A flood does not wait for who does not read.
                    client.stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
                    kind(&mut client);
                    open.push_back(client);
                    if open.len() > 120 {
                        open.pop_front();
                    }
                    made += 1;
                    std::thread::sleep(Duration::from_millis(1));
                }
                made
            })
        })
        .collect();
    let began = Instant::now();
    let (mut slowest, mut grown, mut asked) = (Duration::ZERO, 0, 0);
    while began.elapsed() < LONG || server.counts().too_many == 0 && began.elapsed() < LONG * 5 {
        let asking = Instant::now();
        assert_eq!(server.ask(&right).status, 200);
        slowest = slowest.max(asking.elapsed());
        grown = grown.max(resident().saturating_sub(before));
        asked += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    stop.store(true, Ordering::Relaxed);
    let made: u64 = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
    println!(
        "{made} connections; {asked} right requests, the slowest in {slowest:?}; {} MB more",
        grown >> 20
    );
    println!("{:?} {:?}", server.counts(), auth.refused());
    assert!(server.counts().too_many > 0, "{made} connections are no flood");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert!(grown < MOST, "{grown} bytes more");
}
