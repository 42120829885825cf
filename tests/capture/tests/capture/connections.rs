//! Roles, addresses, network namespaces, also of connections that were open before.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use capture_tests::content;
use capture_tests::observer::{Observer, Told, turn, with_each_back_end};
use capture_tests::sockets::{Family, Pair};
use model::Direction::{Received, Sent};
use model::Role;

use crate::compare::compare;
use crate::talk::say;

#[test]
fn roles_addresses_and_owners() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            let (client, server) = exchange(observer, &pair);
            for (told, role) in [(client, Role::Client), (server, Role::Server)] {
                let case = format!("{back_end}, {family:?}, {role:?}: {:?} {:?}", told.opens, told.owners);
                assert_eq!(told.opens.len(), 1, "{case}");
                assert_eq!(told.opens[0].role, role, "{case}");
                assert_eq!(told.opens[0].netns, own_netns(), "{case}");
                assert_eq!(told.opens[0].from_start, family != Family::Unix, "{case}");
                assert_eq!(told.owners.len(), 1, "{case}");
                assert_eq!(told.owners[0].pid, std::process::id(), "{case}");
                assert_eq!(told.owners[0].command, own_command(), "{case}");
                assert_ne!(told.owners[0].cgroup, 0, "{case}");
                let received = &told.chunks[Received.index()][0];
                // SAFETY: has no preconditions.
                let thread = unsafe { libc::gettid() };
                assert_eq!((received.pid, received.tid), (std::process::id(), thread as u32));
            }
            observer.forget();
        }
    });
}

/// Who connected cannot be told of TCP; addresses and bytes can.
#[test]
fn connections_that_were_open_before() {
    let Some(_turn) = turn() else { return };
    let pairs = Family::ALL.map(|family| (family, Pair::new(family).unwrap()));
    for (_, pair) in &pairs {
        say(&pair.client, &pair.server, b"before anybody looked");
    }
    let mut observer = Observer::start(&Observer::config(None)).unwrap();
    for (family, pair) in &pairs {
        let (client, server) = exchange(&mut observer, pair);
        for (told, role) in [(client, Role::Client), (server, Role::Server)] {
            let role = if *family == Family::Unix { role } else { Role::Unknown };
            assert_eq!(told.opens.len(), 1, "{family:?}");
            assert_eq!((told.opens[0].role, told.opens[0].from_start), (role, false), "{family:?}");
        }
    }
}

#[test]
fn connections_in_another_network_namespace() {
    with_each_back_end(|back_end, observer| {
        let outside = own_netns();
        std::thread::scope(|scope| {
            // A namespace belongs to a thread, and goes with it.
            scope.spawn(|| {
                // SAFETY: has no preconditions.
                let left = unsafe { libc::unshare(libc::CLONE_NEWNET) };
                assert_eq!(left, 0, "{}", std::io::Error::last_os_error());
                let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap();
                assert!(up.success());
                let here = std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino() as u32;
                assert_ne!(here, outside);
                for family in Family::ALL {
                    let pair = Pair::new(family).unwrap();
                    let (client, server) = exchange(observer, &pair);
                    for told in [client, server] {
                        assert_eq!(told.opens[0].netns, here, "{back_end}, {family:?}");
                    }
                    observer.forget();
                }
            });
        });
    });
}

/// A question and an answer, of which every byte must be seen at both ends.
fn exchange(observer: &mut Observer, pair: &Pair) -> (Told, Told) {
    let (question, answer) = (content::bytes(30, 500), content::bytes(31, 600));
    say(&pair.client, &pair.server, &question);
    say(&pair.server, &pair.client, &answer);
    let (client, server) = observer.wait_for_bytes(pair, question.len(), answer.len());
    for (told, direction, truth) in [
        (&client, Sent, &question),
        (&server, Received, &question),
        (&server, Sent, &answer),
        (&client, Received, &answer),
    ] {
        compare(told, direction, truth, &[0..truth.len()]).unwrap();
    }
    (client, server)
}

pub(crate) fn own_netns() -> u32 {
    std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino() as u32
}

fn own_command() -> String {
    std::fs::read_to_string("/proc/self/comm").unwrap().trim().to_owned()
}
