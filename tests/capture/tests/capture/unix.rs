//! What only Unix sockets do.

use std::os::fd::AsRawFd;

use capture_tests::observer::with_each_back_end;
use capture_tests::sockets::{Family, Listener};
use capture_tests::{content, send};
use model::Direction::{Received, Sent};

use crate::compare::compare;
use crate::talk::hear;

/// Clients that write and are gone before anybody reads: their bytes are seen, and are never told as somebody else's, even
/// where the kernel gives one client's memory to the next.
#[test]
fn senders_that_are_gone_before_they_are_read() {
    with_each_back_end(|back_end, observer| {
        let listener = Listener::new(Family::Unix).unwrap();
        let words = |index: u64| content::bytes(50 + index, 200);
        for index in 0..10 {
            let (client, _) = listener.connect().unwrap();
            let stays = index % 2 == 0;
            if !stays {
                assert_eq!(send::write(client.as_raw_fd(), &words(index)).unwrap(), 200);
                drop(client);
                let server = listener.accept().unwrap();
                hear(server.as_raw_fd(), &words(index));
                continue;
            }
            let server = listener.accept().unwrap();
            assert_eq!(send::write(client.as_raw_fd(), &words(index)).unwrap(), 200);
            hear(server.as_raw_fd(), &words(index));
        }
        observer.take();
        let mut seen = 0;
        for told in observer.all() {
            if !told.opens.iter().any(|open| open.local == listener.end().unwrap()) {
                continue;
            }
            let owner = (0..10).find(|index| told.chunks[Received.index()][0].payload == words(*index));
            let owner = owner.unwrap_or_else(|| panic!("{back_end}: bytes of nobody"));
            compare(told, Received, &words(owner), &[0..200]).unwrap_or_else(|w| panic!("{back_end}: {w}"));
            assert!(told.chunks[Sent.index()].is_empty());
            seen += 1;
        }
        assert_eq!(seen, 10, "{back_end}");
    });
}
