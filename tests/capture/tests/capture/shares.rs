//! What is left out where a host cannot afford all, and how it comes back.

use std::net::UdpSocket;

use capture_tests::content;
use capture_tests::observer::{Observer, Told, with_each_back_end};
use capture_tests::sockets::{Family, Pair};
use model::Direction::{Received, Sent};
use model::Endpoint;
use probes::Share;

use crate::compare::compare;
use crate::talk::say;

const LENGTH: usize = 1000;

/// Words each way.
fn talk(pair: &Pair) {
    say(&pair.client, &pair.server, &content::bytes(60, LENGTH));
    say(&pair.server, &pair.client, &content::bytes(60, LENGTH));
}

/// Everything that was said before this was told, if it ever is: what comes behind it was.
fn settle(observer: &mut Observer) {
    let pair = Pair::new(Family::V4).unwrap();
    talk(&pair);
    observer.wait_for_bytes(&pair, LENGTH, LENGTH);
}

fn chunks(told: &Told) -> usize {
    told.chunks.iter().map(Vec::len).sum()
}

/// A connection that is left out is silent, its end included. It comes back without a gap, as one that was open before.
#[test]
fn what_is_left_out_comes_back() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let case = format!("{back_end}, {family:?}");
            let (pair, gone) = (Pair::new(family).unwrap(), Pair::new(family).unwrap());
            for pair in [&pair, &gone] {
                talk(pair);
                observer.wait_for_bytes(pair, LENGTH, LENGTH);
            }
            let before = [observer.client(&pair), observer.server(&pair)];
            observer.keep(Share::NONE);
            for _ in 0..3 {
                talk(&pair);
                talk(&gone);
            }
            let gone_ends = (gone.client_end.clone(), gone.server_end.clone());
            drop(gone);
            let late = Pair::new(family).unwrap();
            talk(&late);
            observer.keep(Share::ALL);
            settle(observer);
            let after = [observer.client(&pair), observer.server(&pair)];
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(chunks(before), chunks(after), "{case}");
            }
            let told = observer.of(&gone_ends.0, &gone_ends.1);
            assert!(family == Family::Unix || told.ends.is_empty(), "{case}: {:?}", told.ends);
            assert_eq!(chunks(&observer.client(&late)), 0, "{case}");

            for pair in [&pair, &late] {
                observer.forget();
                talk(pair);
                let words = content::bytes(60, LENGTH);
                let (client, server) = observer.wait_for_bytes(pair, LENGTH, LENGTH);
                if family == Family::Unix && chunks(&client) == 0 {
                    continue; // told by the same ids: user space asks who they are
                }
                for (told, direction) in
                    [(&client, Sent), (&client, Received), (&server, Sent), (&server, Received)]
                {
                    compare(told, direction, &words, &[0..LENGTH])
                        .unwrap_or_else(|w| panic!("{case}, {direction:?}: {w}"));
                }
                if family != Family::Unix {
                    for told in [&client, &server] {
                        assert_eq!(told.opens.len(), 1, "{case}: {:?}", told.opens);
                        assert!(!told.opens[0].from_start, "{case}: {:?}", told.opens);
                        assert_eq!(told.owners.len(), 1, "{case}: {:?}", told.owners);
                    }
                }
            }
            observer.forget();
        }
    });
}

fn port(end: &Endpoint) -> u16 {
    end.port().unwrap()
}

/// Who is kept is known from the ports, the same for both ends.
#[test]
fn a_share_keeps_whom_it_says() {
    const PAIRS: usize = 60;
    with_each_back_end(|back_end, observer| {
        let share = Share::halved(1);
        observer.keep(share);
        let pairs: Vec<Pair> = (0..PAIRS).map(|_| Pair::new(Family::V4).unwrap()).collect();
        pairs.iter().for_each(talk);
        observer.keep(Share::ALL);
        settle(observer);
        let mut kept = 0;
        for pair in &pairs {
            let expected = share.keeps_ports(port(&pair.client_end), port(&pair.server_end));
            kept += usize::from(expected);
            for told in [observer.client(pair), observer.server(pair)] {
                assert_eq!(chunks(&told) > 0, expected, "{back_end}: {pair:?}");
                assert!(told.opens.iter().all(|open| share.keeps(open)), "{back_end}: {:?}", told.opens);
            }
        }
        assert!((PAIRS / 6..PAIRS - PAIRS / 6).contains(&kept), "{back_end}: {kept} of {PAIRS}");
        observer.forget();
    });
}

/// A flow of datagrams is told on when it is kept again, and nothing of what was left out counts as lost.
#[test]
fn datagrams_that_are_left_out() {
    with_each_back_end(|back_end, observer| {
        let socket = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let (client, server) = (socket(), socket());
        client.connect(server.local_addr().unwrap()).unwrap();
        server.connect(client.local_addr().unwrap()).unwrap();
        let exchange = |words: &[u8]| {
            let mut heard = [0; LENGTH];
            for (from, to) in [(&client, &server), (&server, &client)] {
                assert_eq!(from.send(words).unwrap(), words.len());
                assert_eq!(to.recv(&mut heard).unwrap(), words.len());
            }
        };
        let told = |observer: &Observer| {
            let end = |socket: &UdpSocket| {
                let address = socket.local_addr().unwrap();
                Endpoint::ip(address.ip(), address.port())
            };
            observer.of(&end(&client), &end(&server))
        };
        exchange(b"before");
        settle(observer);
        observer.keep(Share::NONE);
        let before = chunks(&told(observer));
        assert!(before > 0, "{back_end}");
        exchange(b"meanwhile");
        observer.keep(Share::ALL);
        settle(observer);
        assert_eq!(chunks(&told(observer)), before, "{back_end}");
        exchange(b"after");
        settle(observer);
        let told = told(observer);
        assert!(chunks(&told) > before, "{back_end}");
        let last = told.chunks[Sent.index()].last().unwrap();
        assert_eq!(
            (last.payload.as_slice(), last.previous_end),
            (&b"after"[..], last.position),
            "{back_end}"
        );
        observer.forget();
    });
}
