//! A replica of Redis that followed its master before Weir started.

#![allow(clippy::unwrap_used)]

mod common;

use common::{SECOND, Side, analyzer};
use model::event::{Event, Instruction, Open};
use model::{ConnectionId, Role};
use requests::Config;

#[test]
fn is_left_alone_on_both_sides() {
    let command = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    let ack = b"*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$4\r\n1234\r\n";
    let sides = [
        Side::server(1, 1, "10.0.0.1:6379", "10.0.0.2:40000"),
        Side::client(1, 1, "10.0.0.2:40000", "10.0.0.1:6379"),
    ];
    for side in sides {
        // Where nobody is known to listen, the bytes tell who is who; and they mislead here.
        for role in [side.role, Role::Unknown] {
            let mut analyzer = analyzer(Config::default());
            analyzer.event(&Event::Open(Open { role, from_start: false, ..side.open(SECOND) }));
            for number in 0..200 {
                let position = number * command.len() as u32;
                let time = SECOND + u64::from(number) * 1_000_000;
                analyzer.event(&Event::Chunk(side.chunk(time, false, position, command)));
            }
            analyzer.event(&Event::Chunk(side.chunk(2 * SECOND, true, 0, ack)));
            let told: Vec<_> = analyzer.take_batch(Vec::new());
            assert!(told.is_empty(), "{role:?}: {told:?}");
            assert_eq!(analyzer.counters().left_alone.get("replication"), Some(&1), "{role:?}");
            assert_eq!(analyzer.counters().unparsed.values().sum::<u64>(), 0, "{role:?}");
            let instructions: Vec<(ConnectionId, Instruction)> = analyzer.take_instructions().collect();
            assert!(instructions.contains(&(side.id, Instruction::Ignore)), "{role:?}: {instructions:?}");
        }
    }
}
