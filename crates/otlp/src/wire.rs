//! Protocol buffers, written straight into a buffer: a span is some thirty fields, and to build them as values first would
//! allocate for each.

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const DELIMITED: u32 = 2;
const FIXED32: u32 = 5;

pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn tag(out: &mut Vec<u8>, field: u32, kind: u32) {
    varint(out, u64::from(field << 3 | kind));
}

/// An unsigned number, an enumeration's, or a boolean.
pub(crate) fn uint(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, VARINT);
    varint(out, value);
}

/// A signed number of the type `int64`.
pub(crate) fn int(out: &mut Vec<u8>, field: u32, value: i64) {
    uint(out, field, value as u64);
}

/// A signed number of the type `sint32`.
pub(crate) fn sint(out: &mut Vec<u8>, field: u32, value: i32) {
    uint(out, field, u64::from((value << 1 ^ value >> 31) as u32));
}

pub(crate) fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    tag(out, field, FIXED32);
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    fixed64(out, field, value.to_bits());
}

pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    tag(out, field, DELIMITED);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// A message, a text or a packed list: whatever `write` appends. Most are shorter than 128 bytes, so that one byte is left for
/// the length, and what is longer is moved.
pub(crate) fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, DELIMITED);
    let begin = out.len();
    out.push(0);
    write(out);
    let length = out.len() - begin - 1;
    if length < 0x80 {
        out[begin] = length as u8;
        return;
    }
    let mut prefix = [0; 10];
    let mut rest = length;
    let mut width = 0;
    while rest > 0 {
        prefix[width] = (rest & 0x7f) as u8 | if rest >= 0x80 { 0x80 } else { 0 };
        rest >>= 7;
        width += 1;
    }
    let content = begin + 1..begin + 1 + length;
    out.resize(begin + width + length, 0);
    out.copy_within(content, begin + width);
    out[begin..begin + width].copy_from_slice(&prefix[..width]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_width_stand_in_front() {
        for length in [0usize, 1, 127, 128, 129, 16_383, 16_384, 3_000_000] {
            let content: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let (mut written, mut expected) = (vec![7], vec![7]);
            message(&mut written, 3, |out| out.extend_from_slice(&content));
            bytes(&mut expected, 3, &content);
            assert!(written == expected, "{length}");
            let mut read = &expected[2..];
            assert_eq!(prost::encoding::decode_varint(&mut read), Ok(length as u64));
        }
    }

    #[test]
    fn signed_numbers_are_folded() {
        for (value, expected) in
            [(0, 0u64), (-1, 1), (1, 2), (i32::MAX, 4_294_967_294), (i32::MIN, 4_294_967_295)]
        {
            let mut out = Vec::new();
            sint(&mut out, 1, value);
            assert_eq!(prost::encoding::decode_varint(&mut &out[1..]), Ok(expected), "{value}");
        }
    }
}
