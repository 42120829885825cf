use model::Attributes;
use model::names::{DNS_ANSWERS, DNS_QUESTION_NAME, WEIR_DNS_ANSWER_TTL};
use protocols::dns::resolved;

use super::*;

const SHOP: Asker = Asker { netns: 1, pid: 100 };
const MAIL: Asker = Asker { netns: 1, pid: 200 };
const IDLE: Asker = Asker { netns: 1, pid: 300 };
const ELSEWHERE: Asker = Asker { netns: 2, pid: 100 };
const ADDRESS: &str = "192.0.2.7";

fn learn(lookups: &mut Lookups, asker: Asker, name: &str, addresses: &str, ttl: u32, now: Nanos) -> u64 {
    let mut attributes = Attributes::default();
    attributes.text(DNS_QUESTION_NAME, name);
    attributes.text(DNS_ANSWERS, addresses);
    attributes.int(WEIR_DNS_ANSWER_TTL, ttl);
    lookups.learn(asker, &resolved(&attributes).expect("an answer"), now)
}

fn name(lookups: &mut Lookups, asker: Asker, address: &str, now: Nanos) -> String {
    let address = address.parse().expect("an address");
    lookups.name(asker, address, now).as_deref().unwrap_or("?").to_owned()
}

#[test]
fn each_address_of_an_answer_has_its_name() {
    let mut lookups = Lookups::default();
    learn(&mut lookups, SHOP, "API.example.com", "192.0.2.7,192.0.2.8,2001:db8::7,::ffff:192.0.2.9", 60, 1);
    for address in ["192.0.2.7", "192.0.2.8", "2001:db8::7", "192.0.2.9", "::ffff:192.0.2.7"] {
        assert_eq!(name(&mut lookups, SHOP, address, 2), "api.example.com", "{address}");
    }
    assert_eq!(name(&mut lookups, SHOP, "192.0.2.10", 2), "?");
}

#[test]
fn a_process_means_what_it_asked_for() {
    let mut lookups = Lookups::default();
    learn(&mut lookups, SHOP, "shop.example", ADDRESS, 60, 1);
    learn(&mut lookups, MAIL, "mail.example", ADDRESS, 60, 2);
    let of = |lookups: &mut Lookups, asker| name(lookups, asker, ADDRESS, 10);
    assert_eq!(of(&mut lookups, SHOP), "shop.example");
    assert_eq!(of(&mut lookups, MAIL), "mail.example");
    assert_eq!(of(&mut lookups, IDLE), "mail.example", "the latest");
    learn(&mut lookups, SHOP, "shop.example", ADDRESS, 60, 3);
    assert_eq!(of(&mut lookups, IDLE), "shop.example", "asked for again");
    learn(&mut lookups, SHOP, "other.example", ADDRESS, 60, 4);
    assert_eq!(of(&mut lookups, SHOP), "other.example");
    assert_eq!(of(&mut lookups, ELSEWHERE), "?", "another namespace");
    // Those who asked long ago go by what came last.
    for pid in 1000..1000 + ASKERS as u32 {
        learn(&mut lookups, Asker { pid, ..SHOP }, "many.example", ADDRESS, 60, 5);
    }
    assert_eq!(of(&mut lookups, SHOP), "many.example");
    assert_eq!(lookups.young.values().map(Vec::len).max(), Some(ASKERS));
}

#[test]
fn what_is_never_remote_gets_no_name() {
    let mut lookups = Lookups::default();
    for address in [
        "127.0.0.1",
        "127.8.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "224.0.0.251",
        "255.255.255.255",
        "ff02::fb",
    ] {
        learn(&mut lookups, SHOP, "nginx", address, 60, 1);
        assert_eq!(name(&mut lookups, SHOP, address, 2), "?", "{address}");
    }
    learn(&mut lookups, SHOP, ".", ADDRESS, 60, 1);
    learn(&mut lookups, SHOP, &"x".repeat(254), ADDRESS, 60, 1);
    assert_eq!(lookups.young.len(), 0);
}

#[test]
fn an_answer_holds_for_a_while() {
    let mut lookups = Lookups::default();
    let ask = |lookups: &mut Lookups, now| name(lookups, SHOP, ADDRESS, now);
    learn(&mut lookups, SHOP, "a.example", ADDRESS, 0, SECOND);
    assert_eq!(ask(&mut lookups, LEAST), "a.example", "longer than its time to live");
    // It is used, and so it holds on.
    assert_eq!(ask(&mut lookups, 2 * LEAST - 1), "a.example");
    assert_eq!(ask(&mut lookups, 3 * LEAST), "?");
    learn(&mut lookups, SHOP, "b.example", ADDRESS, 2 * 3600, 0);
    assert_eq!(ask(&mut lookups, 2 * LEAST - 1), "b.example", "as long as it says");
    learn(&mut lookups, SHOP, "c.example", ADDRESS, u32::MAX, 0);
    assert_eq!(ask(&mut lookups, MOST), "?", "no longer than a day");
    // Another's that holds, where one's own does not any more.
    learn(&mut lookups, SHOP, "d.example", ADDRESS, 0, 0);
    learn(&mut lookups, MAIL, "e.example", ADDRESS, 0, LEAST);
    assert_eq!(ask(&mut lookups, LEAST + 1), "e.example");
}

#[test]
fn names_are_bounded_and_what_is_in_use_stays() {
    let mut lookups = Lookups::default();
    let mut forgotten = 0;
    learn(&mut lookups, SHOP, "used.example", ADDRESS, 60, 1);
    let addresses = 3 * ADDRESSES as u32;
    for number in 0..addresses {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
        forgotten += learn(&mut lookups, SHOP, &format!("host{number}.example"), &address, 60, 2);
        if number % 1000 == 0 {
            assert_eq!(name(&mut lookups, SHOP, ADDRESS, 3), "used.example");
        }
    }
    let kept = lookups.young.len() + lookups.old.len();
    assert!(kept <= 2 * ADDRESSES, "{kept}");
    assert_eq!(forgotten, u64::from(addresses) + 1 - kept as u64, "each is counted");
    // What holds no more is no loss.
    let mut lookups = Lookups::default();
    for number in 0..addresses {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
        let now = u64::from(number) * SECOND;
        assert_eq!(learn(&mut lookups, SHOP, "host.example", &address, 60, now), 0);
    }
}

#[test]
fn a_name_that_comes_again_is_kept_once() {
    let mut lookups = Lookups::default();
    for now in 0..10 {
        learn(&mut lookups, SHOP, "a.example", "192.0.2.7,192.0.2.8", 60, now);
    }
    let first = lookups.name(SHOP, "192.0.2.7".parse().expect("an address"), 20).expect("a name");
    assert_eq!(Arc::strong_count(&first), 3);
}
