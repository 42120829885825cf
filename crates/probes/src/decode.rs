//! Records of the ring into events.

use std::net::{IpAddr, Ipv6Addr};

use model::event::{Chunk, End, EndCause, Event, Exec, Exit, Open, Owner, Read};
use model::{ConnectionId, Direction, Endpoint, Role, Text};

use crate::shared::*;

pub(crate) mod moves;
pub(crate) mod tcp;

/// In a chunk's direction.
const READ_LATER: u8 = weir_direction::WEIR_READ_LATER.0 as u8;

/// Hands the events of one record to `handle`; false when the record makes no sense.
///
/// A Unix chunk is two events: its reader received it, its sender sent it.
pub(crate) fn decode(record: &[u8], handle: &mut impl FnMut(Event<'_>)) -> bool {
    let Some(&kind) = record.first() else { return false };
    match weir_kind(u32::from(kind)) {
        weir_kind::WEIR_CHUNK => chunk(record, handle),
        weir_kind::WEIR_OPEN_IP => one(record, open_ip, handle),
        weir_kind::WEIR_OPEN_UNIX => one(record, open_unix, handle),
        weir_kind::WEIR_OWNER => one(record, owner, handle),
        weir_kind::WEIR_END => one(record, end, handle),
        weir_kind::WEIR_EXEC => one(record, exec, handle),
        weir_kind::WEIR_EXIT => one(record, exit, handle),
        weir_kind::WEIR_TCP => one(record, tcp::tcp, handle),
        weir_kind::WEIR_MOVED => moves::read(record).is_some_and(|raw| moves::moves(&raw, 0, handle)),
        _ => false,
    }
}

fn one<T: Plain>(
    record: &[u8],
    convert: fn(&T) -> Option<Event<'static>>,
    handle: &mut impl FnMut(Event<'_>),
) -> bool {
    match read::<T>(record).as_ref().and_then(convert) {
        Some(event) => {
            handle(event);
            true
        }
        None => false,
    }
}

fn chunk(record: &[u8], handle: &mut impl FnMut(Event<'_>)) -> bool {
    let Some(raw) = read::<weir_chunk>(record) else { return false };
    let payload = &record[size_of::<weir_chunk>()..];
    let Some(payload) = payload.get(..usize::from(raw.captured)) else { return false };
    let sent = raw.direction == weir_direction::WEIR_SENT.0 as u8;
    let read_later = raw.direction & READ_LATER != 0;
    let mut chunk = Chunk {
        connection: ConnectionId(raw.connection),
        time: raw.time,
        direction: if sent { Direction::Sent } else { Direction::Received },
        position: raw.position,
        previous_end: raw.previous_end,
        length: raw.length,
        pid: raw.pid,
        tid: raw.tid,
        payload,
    };
    if read_later {
        handle(Event::Read(Read { connection: chunk.connection, time: raw.peer }));
    } else if raw.peer != 0 {
        // Told by the sender's state, at the moment when the peer reads: first what the peer received.
        chunk.connection = ConnectionId(raw.peer);
        chunk.direction = Direction::Received;
        handle(Event::Chunk(chunk));
        chunk.connection = ConnectionId(raw.connection);
        chunk.direction = Direction::Sent;
        (chunk.pid, chunk.tid) = (0, 0);
    }
    handle(Event::Chunk(chunk));
    true
}

pub(crate) fn role(raw: u8) -> Role {
    match weir_role(u32::from(raw)) {
        weir_role::WEIR_ROLE_CLIENT => Role::Client,
        weir_role::WEIR_ROLE_SERVER => Role::Server,
        _ => Role::Unknown,
    }
}

fn open_ip(raw: &weir_open_ip) -> Option<Event<'static>> {
    let endpoint = |address: [u8; 16], port| Endpoint::ip(IpAddr::V6(Ipv6Addr::from(address)), port);
    let kind = if raw.datagrams != 0 { Event::OpenDatagrams } else { Event::Open };
    Some(kind(Open {
        connection: ConnectionId(raw.connection),
        time: raw.time,
        role: role(raw.role),
        local: endpoint(raw.local, raw.local_port),
        remote: endpoint(raw.remote, raw.remote_port),
        netns: raw.netns,
        from_start: raw.from_start != 0,
        peer: None,
        inode: 0,
    }))
}

fn open_unix(raw: &weir_open_unix) -> Option<Event<'static>> {
    Some(Event::Open(Open {
        connection: ConnectionId(raw.connection),
        time: raw.time,
        role: role(raw.role),
        local: Endpoint::Unix(unix_path(raw.local, raw.local_length)),
        remote: Endpoint::Unix(unix_path(raw.remote, raw.remote_length)),
        netns: raw.netns,
        from_start: raw.from_start != 0,
        peer: (raw.peer != 0).then_some(ConnectionId(raw.peer)),
        inode: raw.inode,
    }))
}

/// A path ends at its first NUL; an abstract name begins with one, and is shown with `@` (unix(7)).
fn unix_path(raw: [i8; 108], length: u16) -> Text {
    let bytes = raw.map(i8::cast_unsigned);
    let bytes = &bytes[..usize::from(length).min(bytes.len())];
    match bytes {
        [] => Text::default(),
        [0, name @ ..] => {
            let mut text = Text::from("@");
            text.push_str(&String::from_utf8_lossy(name));
            text
        }
        path => text_until_nul(path),
    }
}

fn text_until_nul(bytes: &[u8]) -> Text {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    Text::from_utf8_lossy(&bytes[..end])
}

fn owner(raw: &weir_owner) -> Option<Event<'static>> {
    Some(Event::Owner(Owner {
        connection: ConnectionId(raw.connection),
        pid: raw.pid,
        cgroup: raw.cgroup,
        command: text_until_nul(&raw.command.map(i8::cast_unsigned)),
    }))
}

fn end(raw: &weir_end) -> Option<Event<'static>> {
    let cause = match weir_end_cause(u32::from(raw.cause)) {
        weir_end_cause::WEIR_END_LOCAL_FIN => EndCause::LocalFin,
        weir_end_cause::WEIR_END_REMOTE_FIN => EndCause::RemoteFin,
        weir_end_cause::WEIR_END_CLOSED => EndCause::Closed,
        weir_end_cause::WEIR_END_REMOTE_RESET => EndCause::RemoteReset,
        weir_end_cause::WEIR_END_LOCAL_RESET => EndCause::LocalReset,
        weir_end_cause::WEIR_END_TIMED_OUT => EndCause::TimedOut,
        weir_end_cause::WEIR_END_RESET_UNREAD => EndCause::ResetUnread,
        _ => return None,
    };
    let known = |which: weir_known_ends| u32::from(raw.known) & which.0 != 0;
    Some(Event::End(End {
        connection: ConnectionId(raw.connection),
        time: raw.time,
        cause,
        sent_end: known(weir_known_ends::WEIR_SENT_END_KNOWN).then_some(raw.sent_end),
        received_end: known(weir_known_ends::WEIR_RECEIVED_END_KNOWN).then_some(raw.received_end),
    }))
}

fn exec(raw: &weir_exec) -> Option<Event<'static>> {
    let arguments = raw.arguments.map(i8::cast_unsigned);
    let arguments = &arguments[..(raw.arguments_length as usize).min(arguments.len())];
    let arguments = arguments.strip_suffix(&[0]).unwrap_or(arguments);
    Some(Event::Exec(Exec {
        time: raw.time,
        pid: raw.pid,
        cgroup: raw.cgroup,
        command: text_until_nul(&raw.command.map(i8::cast_unsigned)),
        file: text_until_nul(&raw.file.map(i8::cast_unsigned)),
        arguments: if arguments.is_empty() {
            Vec::new()
        } else {
            arguments.split(|&b| b == 0).map(Text::from_utf8_lossy).collect()
        },
    }))
}

fn exit(raw: &weir_exit) -> Option<Event<'static>> {
    Some(Event::Exit(Exit { time: raw.time, pid: raw.pid }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(record: &[u8]) -> (bool, usize) {
        let mut count = 0;
        let sound = decode(record, &mut |_| count += 1);
        (sound, count)
    }

    #[test]
    fn a_record_cut_anywhere_is_refused_not_guessed() {
        for kind in 0..=10u8 {
            let mut record = vec![0u8; 1024];
            record[0] = kind;
            record[2] = if kind == 9 { 3 } else { 16 }; // chunk: captured; moves: how many
            record[1] = 1; // end: cause; facts: moment
            record[if kind == 8 { 2 } else { 200 }] = 1; // facts: state
            let (whole, _) = events(&record);
            assert_eq!(whole, (1..=9).contains(&kind), "kind {kind}");
            // Shorter than the shortest record, which is an exit's.
            assert_eq!(events(&record[..12]), (false, 0), "kind {kind}");
        }
        assert_eq!(events(&[]), (false, 0));
    }

    #[test]
    fn a_unix_chunk_is_told_to_both_ends() {
        let raw = weir_chunk {
            kind: weir_kind::WEIR_CHUNK.0 as u8,
            direction: 0,
            captured: 0,
            length: 5,
            connection: 7,
            peer: 8,
            time: 1,
            position: 0,
            previous_end: 0,
            pid: 42,
            tid: 43,
        };
        let mut seen = Vec::new();
        assert!(decode(bytes_of(&raw), &mut |event| {
            if let Event::Chunk(c) = event {
                seen.push((c.connection.0, c.direction, c.pid));
            }
        }));
        assert_eq!(seen, [(8, Direction::Received, 42), (7, Direction::Sent, 0)]);
    }

    #[test]
    fn unix_paths() {
        let raw = |bytes: &[u8]| {
            let mut path = [0i8; 108];
            for (to, from) in path.iter_mut().zip(bytes) {
                *to = from.cast_signed();
            }
            path
        };
        assert_eq!(unix_path(raw(b"/run/x.sock\0"), 12), "/run/x.sock");
        assert_eq!(unix_path(raw(b"\0bus"), 4), "@bus");
        assert_eq!(unix_path(raw(b""), 0), "");
    }
}
