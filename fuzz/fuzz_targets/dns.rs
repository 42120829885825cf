//! DNS conversations: any happenings, in datagrams and over TCP, then the same bytes taken raw for each party.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::{Protocol, harness};

fuzz_target!(|data: &[u8]| {
    harness::check::<protocols::dns::Conversation>(data);
    harness::check_datagrams::<protocols::dns::Conversation>(data);
    for protocol in Protocol::ALL {
        for party in [model::Party::Client, model::Party::Server] {
            protocol.detect(party, data);
        }
    }
});
