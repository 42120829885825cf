//! What the kernel counts of a TCP socket, into events.

use std::net::{IpAddr, Ipv6Addr};

use model::event::Event;
use model::tcp::{Cause, Counters, Listener, Moment, State, Tcp};
use model::{ConnectionId, Endpoint, Nanos};

use super::role;
use crate::shared::*;

const MICROSECOND: Nanos = 1000;

pub(super) fn tcp(raw: &weir_tcp) -> Option<Event<'static>> {
    let endpoint = |address: [u8; 16], port| Endpoint::ip(IpAddr::V6(Ipv6Addr::from(address)), port);
    let moment = moment(raw.moment, raw.cause)?;
    let state = State::of_kernel(raw.state)?;
    let local = endpoint(raw.local, raw.local_port);
    if state == State::Listen {
        return Some(Event::Listener(Listener {
            connection: ConnectionId(raw.connection),
            time: raw.time,
            moment,
            local,
            netns: raw.netns,
            inode: raw.inode,
            pid: raw.process,
            backlog: raw.backlog,
            limit: raw.backlog_limit,
            drops: raw.drops,
        }));
    }
    Some(Event::Tcp(Tcp {
        connection: ConnectionId(raw.connection),
        time: raw.time,
        moment,
        state,
        role: role(raw.role),
        local,
        remote: endpoint(raw.remote, raw.remote_port),
        netns: raw.netns,
        inode: raw.inode,
        pid: raw.process,
        began: (raw.began != 0).then_some(raw.began),
        connect: (raw.connect != 0).then(|| Nanos::from(raw.connect) * MICROSECOND),
        counters: counters(raw),
    }))
}

pub(crate) fn moment(moment: u8, why: u8) -> Option<Moment> {
    Some(match weir_tcp_moment(u32::from(moment)) {
        weir_tcp_moment::WEIR_TCP_OPENED => Moment::Opened,
        weir_tcp_moment::WEIR_TCP_GOES_ON => Moment::GoesOn,
        weir_tcp_moment::WEIR_TCP_CLOSED => Moment::Closed(cause(why)?),
        weir_tcp_moment::WEIR_TCP_FAILED => Moment::Failed(cause(why)?),
        _ => return None,
    })
}

fn cause(raw: u8) -> Option<Cause> {
    Some(match weir_tcp_cause(u32::from(raw)) {
        weir_tcp_cause::WEIR_TCP_LOCAL_FIN => Cause::LocalFin,
        weir_tcp_cause::WEIR_TCP_REMOTE_FIN => Cause::RemoteFin,
        weir_tcp_cause::WEIR_TCP_LOCAL_RESET => Cause::LocalReset,
        weir_tcp_cause::WEIR_TCP_REMOTE_RESET => Cause::RemoteReset,
        weir_tcp_cause::WEIR_TCP_TIMED_OUT => Cause::TimedOut,
        weir_tcp_cause::WEIR_TCP_UNREACHABLE => Cause::Unreachable,
        weir_tcp_cause::WEIR_TCP_ABORTED => Cause::Aborted,
        weir_tcp_cause::WEIR_TCP_REFUSED => Cause::Refused,
        weir_tcp_cause::WEIR_TCP_LOCAL_ADDRESS => Cause::LocalAddress,
        weir_tcp_cause::WEIR_TCP_OTHER => Cause::Other,
        _ => return None,
    })
}

fn counters(raw: &weir_tcp) -> Counters {
    let micros = |micros: u32| Nanos::from(micros) * MICROSECOND;
    let fin = u64::from(u32::from(raw.flags) & weir_tcp_flags::WEIR_TCP_FIN_RECEIVED.0 != 0);
    Counters {
        sent: raw.sent.saturating_sub(raw.retransmitted),
        acked: raw.acked,
        received: raw.received.saturating_sub(fin),
        retransmitted: raw.retransmitted,
        segments_out: raw.segments_out,
        segments_in: raw.segments_in,
        data_segments_out: raw.data_segments_out,
        data_segments_in: raw.data_segments_in,
        retransmits: raw.retransmits,
        lost: raw.lost,
        reordered: raw.reordered,
        out_of_order: raw.out_of_order,
        duplicates: raw.duplicates,
        delivered: raw.delivered,
        rtt: (raw.rtt != 0).then(|| micros(raw.rtt)),
        rtt_variation: micros(raw.rtt_variation),
        rtt_min: (raw.rtt_min != u32::MAX).then(|| micros(raw.rtt_min)),
        window: raw.window,
        segment_size: raw.segment_size,
        unacked: raw.unacked,
        unsent: raw.unsent,
        unread: raw.unread,
    }
}
