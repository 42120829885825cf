//! Who waits for events is woken by them.

use std::time::{Duration, Instant};

use capture_tests::content;
use capture_tests::observer::with_each_back_end;
use capture_tests::sockets::{Family, Pair};

use crate::talk::say;

const LONG: Duration = Duration::from_secs(60);

#[test]
fn whoever_waits_is_woken() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            let words = content::bytes(51, 500);
            observer.take();
            std::thread::scope(|scope| {
                let speaker = scope.spawn(|| {
                    std::thread::sleep(Duration::from_millis(200));
                    say(&pair.client, &pair.server, &words);
                    Instant::now()
                });
                // Others on this host may wake it too.
                while observer.of(&pair.client_end, &pair.server_end).chunks[0].is_empty() {
                    observer.capture_mut().wait(LONG).unwrap();
                    observer.take();
                }
                let late = speaker.join().unwrap().elapsed();
                assert!(late < LONG / 4, "{back_end}, {family:?}: {late:?} after it was said");
            });
            observer.forget();
        }
    });
}
