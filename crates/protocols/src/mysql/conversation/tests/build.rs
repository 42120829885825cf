//! Packets, as the protocol's documentation describes them.

pub(super) fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_le_bytes();
    [&length[..3], &[sequence], payload].concat()
}

pub(super) fn command(code: u8, arguments: &[u8]) -> Vec<u8> {
    packet(0, &[&[code], arguments].concat())
}

pub(super) fn query(sql: &str) -> Vec<u8> {
    command(3, sql.as_bytes())
}

pub(super) const MORE: u16 = 8;
pub(super) const CURSOR: u16 = 0x40;

pub(super) fn ok(sequence: u8, affected: u8, status: u16) -> Vec<u8> {
    let status = status.to_le_bytes();
    packet(sequence, &[0, affected, 0, status[0], status[1], 0, 0])
}

pub(super) fn error(sequence: u8, code: u16) -> Vec<u8> {
    let code = code.to_le_bytes();
    packet(sequence, &[&[0xff, code[0], code[1]], b"#42S02Table 'secret' doesn't exist".as_slice()].concat())
}

pub(super) fn eof(sequence: u8, status: u16) -> Vec<u8> {
    let status = status.to_le_bytes();
    packet(sequence, &[0xfe, 0, 0, status[0], status[1]])
}

/// The OK packet that takes the place of EOF.
pub(super) fn end(sequence: u8, status: u16) -> Vec<u8> {
    let status = status.to_le_bytes();
    packet(sequence, &[0xfe, 0, 0, status[0], status[1], 0, 0])
}

pub(super) fn definition(sequence: u8) -> Vec<u8> {
    packet(sequence, b"\x03def\x01d\x01t\x01t\x01a\x01a\x0c\x3f\x00\x0b\x00\x00\x00\x03\x00\x00\x00\x00\x00")
}

/// A result of one column, from a sequence number on; `deprecated`: no EOF packet behind the definition.
pub(super) fn result(from: u8, rows: &[&str], deprecated: bool, status: u16) -> Vec<u8> {
    let mut bytes = [packet(from, &[1]), definition(from + 1)].concat();
    let mut sequence = from + 2;
    if !deprecated {
        bytes.extend(eof(sequence, 2));
        sequence += 1;
    }
    for row in rows {
        bytes.extend(packet(sequence, &[&[row.len() as u8], row.as_bytes()].concat()));
        sequence += 1;
    }
    bytes.extend(if deprecated { end(sequence, status) } else { eof(sequence, status) });
    bytes
}

/// Capabilities: protocol 4.1, secure connection, and what is added.
pub(super) const BASE: u32 = 1 | 1 << 9 | 1 << 15;
pub(super) const WITH_DB: u32 = 1 << 3;
pub(super) const COMPRESS: u32 = 1 << 5;
pub(super) const SSL: u32 = 1 << 11;
pub(super) const DEPRECATE_EOF: u32 = 1 << 24;
pub(super) const QUERY_ATTRIBUTES: u32 = 1 << 27;

pub(super) fn greeting(version: &str) -> Vec<u8> {
    let all = [0xff; 2];
    let mut payload =
        [&[10], version.as_bytes(), &[0, 9, 0, 0, 0], b"scramble".as_slice(), &[0], &all].concat();
    payload.extend([45, 2, 0]);
    payload.extend(all);
    payload.extend([21]);
    payload.extend([0; 10]);
    payload.extend(b"morescramble\0caching_sha2_password\0");
    packet(0, &payload)
}

pub(super) fn login(capabilities: u32, database: &str) -> Vec<u8> {
    let mut payload = (BASE | capabilities).to_le_bytes().to_vec();
    payload.extend([0, 0, 0, 1, 45]);
    payload.extend([0; 23]);
    payload.extend(b"bob\0\x06secret");
    if capabilities & WITH_DB != 0 {
        payload.extend(database.as_bytes());
        payload.push(0);
    }
    payload.extend(b"caching_sha2_password\0");
    packet(1, &payload)
}

pub(super) fn prepared(id: u8, columns: u8, parameters: u8) -> Vec<u8> {
    packet(1, &[0, id, 0, 0, 0, columns, 0, parameters, 0, 0, 0, 0])
}

pub(super) fn execute(id: u32) -> Vec<u8> {
    command(0x17, &[&id.to_le_bytes()[..], &[0, 1, 0, 0, 0, 0, 1, 3, 0], b"secret".as_slice()].concat())
}
