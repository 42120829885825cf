//! Events come in the order of their times, whichever processor they happened on.

use std::os::fd::AsRawFd;
use std::thread;

use capture_tests::observer::{Observer, turn};
use capture_tests::sockets::{Family, Pair};
use capture_tests::{receive, send};
use model::Direction::{Received, Sent};
use model::event::Event;
use probes::{Capture, Config};

const EXCHANGES: usize = 2_000;
/// Far less than all events take, so that reading stops in the middle again and again.
const PORTION: u64 = 1000;

/// A client and a server on processors of their own take turns: what each does follows from what the other did before.
#[test]
fn of_two_processors() {
    let Some(_turn) = turn() else { return };
    let config = Config { datagrams: false, ..Observer::config(None) };
    let mut capture = Capture::start(&config).unwrap();
    let pair = Pair::new(Family::V4).unwrap();
    let (client, server) = (pair.client.as_raw_fd(), pair.server.as_raw_fd());
    let threads = thread::scope(|scope| {
        let asking = scope.spawn(move || {
            let own = stay_on_processor(0);
            for _ in 0..EXCHANGES {
                assert_eq!(send::write(client, b"ping").unwrap(), 4);
                assert_eq!(receive::read(client, &mut [0; 4]).unwrap(), 4);
            }
            own
        });
        let answering = scope.spawn(move || {
            let own = stay_on_processor(1);
            for _ in 0..EXCHANGES {
                assert_eq!(receive::read(server, &mut [0; 4]).unwrap(), 4);
                assert_eq!(send::write(server, b"pong").unwrap(), 4);
            }
            own
        });
        [asking.join().unwrap(), answering.join().unwrap()]
    });
    let mut told = Vec::new();
    let mut keep = |event: Event<'_>| {
        if let Event::Chunk(chunk) = event
            && threads.contains(&chunk.tid)
        {
            told.push((chunk.tid, chunk.direction, chunk.time));
        }
    };
    while capture.drain(PORTION, &mut keep) > 0 {}
    assert_eq!(told.len(), 4 * EXCHANGES);
    let [asking, answering] = threads;
    let exchange = [(asking, Sent), (answering, Received), (answering, Sent), (asking, Received)];
    for (number, four) in told.chunks(4).enumerate() {
        let happened: Vec<_> = four.iter().map(|(tid, direction, _)| (*tid, *direction)).collect();
        assert_eq!(happened, exchange, "exchange {number}");
    }
    assert!(told.is_sorted_by_key(|(_, _, time)| time), "times go back");
}

/// Keeps this thread on a processor, where there are as many; returns its number.
fn stay_on_processor(number: usize) -> u32 {
    // SAFETY: the set is a plain value that outlives the calls; the others have no preconditions.
    unsafe {
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut allowed);
        let processors: Vec<usize> =
            (0..libc::CPU_SETSIZE as usize).filter(|cpu| libc::CPU_ISSET(*cpu, &allowed)).collect();
        let mut own: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processors[number % processors.len()], &mut own);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &own);
        libc::gettid() as u32
    }
}
