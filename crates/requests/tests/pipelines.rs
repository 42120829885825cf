//! A pipeline on a connection that nobody knows yet: every command of it is read, and more is captured from then on.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Side, analyzer, instructions};
use model::event::{Event, Instruction};
use requests::Config;

const COMMANDS: usize = 1000;

#[test]
fn the_first_run_of_a_connection() {
    let command = b"*3\r\n$3\r\nSET\r\n$8\r\nkey:0123\r\n$10\r\nvalue:0123\r\n";
    let (asked, answered) = (command.repeat(COMMANDS), b"+OK\r\n".repeat(COMMANDS));
    assert!(asked.len() > 40_000 && asked.len() < 65_000);
    for side in [
        Side::client(1, 1, "10.0.0.1:40000", "10.0.0.2:6379"),
        Side::server(1, 2, "10.0.0.2:6379", "10.0.0.1:40000"),
    ] {
        let mut analyzer = analyzer(Config::default());
        side.announce(1, &mut analyzer);
        analyzer.event(&Event::Chunk(side.chunk(2, true, 0, &asked)));
        analyzer.event(&Event::Chunk(side.chunk(3, false, 0, &answered)));
        assert_eq!(analyzer.take_batch(Vec::new()).len(), COMMANDS, "{:?}", side.role);
        let told = instructions(&mut analyzer);
        let raised = |told: &Instruction| matches!(told, Instruction::Budget { sent, received, .. } if *sent > 60_000 && *received > 60_000);
        assert!(told.iter().any(|(_, told)| raised(told)), "{:?}: {told:?}", side.role);
    }
}
