//! One direction of one connection, rebuilt from its chunks and compared with the truth.

use std::ops::Range;

/// A chunk, with its payload kept.
#[derive(Debug, Clone)]
pub struct Seen {
    /// As in `model::event::Chunk`; so all of these.
    pub time: u64,
    /// The first byte's place.
    pub position: u32,
    /// Where the chunk before it ended.
    pub previous_end: u32,
    /// Bytes moved.
    pub length: u32,
    /// Process.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// The first bytes.
    pub payload: Vec<u8>,
}

impl Seen {
    /// The place behind the last byte.
    pub fn end(&self) -> u32 {
        self.position.wrapping_add(self.length)
    }
}

/// What the chunks of a direction tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Runs of bytes whose payload was seen, in order and without overlap, as offsets in the stream.
    pub captured: Vec<Range<usize>>,
    /// How far the chunks reach.
    pub end: usize,
    /// Chunks whose `previous_end` was not where the chunk before them ended: records in between were lost.
    pub breaks: usize,
}

/// Compares chunks, in the order of the ring, with the bytes that were really moved; the first of them was at `start`.
///
/// # Errors
///
/// Says which chunk claims a byte that never was, or shows another one than was moved.
pub fn rebuild(chunks: &[Seen], start: u32, truth: &[u8]) -> Result<Rebuilt, String> {
    let mut rebuilt = Rebuilt::default();
    let mut expected_previous = start;
    for (index, chunk) in chunks.iter().enumerate() {
        let wrong = |what: &str| Err(format!("chunk {index} {what}: {}", outline(chunks, start)));
        let from = chunk.position.wrapping_sub(start) as i32;
        let Ok(from) = usize::try_from(from) else { return wrong("lies before the stream") };
        let to = from + chunk.length as usize;
        if to > truth.len() {
            return wrong(&format!("ends at {to} of {}", truth.len()));
        }
        if chunk.payload.len() > chunk.length as usize {
            return wrong("has more payload than length");
        }
        let shown = from..from + chunk.payload.len();
        if truth[shown.clone()] != chunk.payload[..] {
            return wrong("shows bytes that are not these");
        }
        rebuilt.breaks += usize::from(chunk.previous_end != expected_previous);
        expected_previous = chunk.end();
        rebuilt.end = rebuilt.end.max(to);
        if !shown.is_empty() {
            rebuilt.captured.push(shown);
        }
    }
    rebuilt.captured = joined(rebuilt.captured);
    Ok(rebuilt)
}

/// Ranges in order, with those that touch or overlap made one.
pub fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// The chunks in a few words each, for a failure's message.
pub fn outline(chunks: &[Seen], start: u32) -> String {
    let place = |position: u32| position.wrapping_sub(start) as i32;
    let words: Vec<String> = chunks
        .iter()
        .map(|c| {
            let (from, to, previous) = (place(c.position), place(c.end()), place(c.previous_end));
            format!("[{from}..{to} shows {} after {previous}, thread {}]", c.payload.len(), c.tid)
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(position: u32, previous_end: u32, length: u32, payload: &[u8]) -> Seen {
        Seen { time: 1, position, previous_end, length, pid: 1, tid: 1, payload: payload.to_vec() }
    }

    #[test]
    fn what_was_seen_twice_counts_once_and_positions_wrap() {
        let start = u32::MAX - 1;
        let chunks = [seen(start, start, 4, b"abcd"), seen(start, 2, 3, b"abc"), seen(3, 1, 2, b"f")];
        let rebuilt = rebuild(&chunks, start, b"abcdefg").unwrap();
        assert_eq!(rebuilt, Rebuilt { captured: vec![0..4, 5..6], end: 7, breaks: 0 });
    }

    #[test]
    fn claims_that_are_not_true_are_found() {
        let truth = b"abcdef";
        assert!(rebuild(&[seen(10, 10, 7, b"")], 10, truth).is_err(), "more than was moved");
        assert!(rebuild(&[seen(9, 10, 2, b"")], 10, truth).is_err(), "before the beginning");
        assert!(rebuild(&[seen(11, 10, 2, b"bd")], 10, truth).is_err(), "a wrong byte");
        assert!(rebuild(&[seen(11, 10, 1, b"bc")], 10, truth).is_err(), "payload beyond the length");
        assert_eq!(rebuild(&[seen(11, 13, 1, b"b")], 10, truth).unwrap().breaks, 1, "a lost record");
    }
}
