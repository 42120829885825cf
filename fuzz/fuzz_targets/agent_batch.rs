//! A batch of an agent: any bytes; behind a whole head any stream, packed as it should be; and a good stream with any bytes changed.
#![no_main]

use std::io::Write as _;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rows::wire::{decode, encode};
use schema::query::Filter;
use schema::{Rows, Table};

/// Bytes of a batch, unpacked.
const MOST: usize = 1 << 20;

/// A batch as it is sent: what stands before the stream, and the stream, unpacked.
static GOOD: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let place = |name| Table::Logs.column(name).expect("a column").0;
    let mut rows = Rows::new(Table::Logs);
    for row in 0..9i64 {
        rows.number(place("time"), row);
        if row % 3 > 0 {
            rows.text(place("service.name"), ["shop", "web"][row as usize % 2]);
        }
        rows.text(place("body"), &format!("line {row}"));
        rows.map(place("attributes"), [("k", "v"), ("n", &*row.to_string())]);
        rows.bytes(place("trace_id"), &[row as u8; 16]);
        rows.end().expect("a row");
    }
    let bytes = encode(7, 9, Table::Logs, &rows.finish().expect("rows")).expect("a batch");
    let head = 8 + 8 + 8 + 1 + Table::Logs.name().len();
    (bytes[..head].to_vec(), zstd::decode_all(&bytes[head..]).expect("a stream"))
});

fuzz_target!(
    init: {
        // Arrow's reader asserts what a sender may lie about, and that is caught: it must not end the process, nor fill the
        // terminal. What is not caught ends it all the same.
        std::panic::set_hook(Box::new(|panic| {
            if panic.location().is_none_or(|place| !place.file().contains("/arrow-")) {
                let _ = writeln!(std::io::stderr(), "{panic}");
            }
        }));
    },
    |data: &[u8]| {
        let Some((mode, data)) = data.split_first() else { return };
        let (head, good) = &*GOOD;
        let stream = match mode % 3 {
            0 => return look(data),
            1 => data.to_vec(),
            _ => {
                let mut stream = good.clone();
                for change in data.chunks_exact(3) {
                    let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % stream.len();
                    stream[place] = change[2];
                }
                stream
            }
        };
        let mut bytes = head.clone();
        bytes.extend(zstd::bulk::compress(&stream, 1).expect("packed"));
        look(&bytes);
    }
);

/// Reads a batch as a server does, and all of its values.
fn look(bytes: &[u8]) {
    let Ok(sent) = decode(bytes, MOST) else { return };
    assert!(sent.batch.get_array_memory_size() < 4 * MOST);
    let watch = store::Watch::new(sent.table, &Filter::All).expect("a filter of nothing");
    let (rows, left_out) = watch.rows(&sent.batch, 100);
    assert_eq!(rows.len() + left_out, sent.batch.num_rows());
}
