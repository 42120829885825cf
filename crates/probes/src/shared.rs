//! The structs that cross the boundary, generated from `bpf/events/*.h`.

/// A skeleton that `build.rs` generated, of which only the types are used.
macro_rules! skeleton {
    ($name:ident) => {
        #[allow(
            dead_code,
            missing_docs,
            non_camel_case_types,
            unreachable_pub,
            clippy::all,
            clippy::undocumented_unsafe_blocks,
            clippy::unwrap_used
        )]
        mod $name {
            include!(concat!(env!("OUT_DIR"), "/", stringify!($name), ".skel.rs"));
        }
    };
}
skeleton!(layout);
skeleton!(socket);
skeleton!(kprobe);
skeleton!(syscalls);
skeleton!(udp);
skeleton!(udp_kprobe);
skeleton!(udp_syscalls);
#[cfg(test)]
skeleton!(process);

pub(crate) use kprobe::types::rodata as kprobe_rodata;
pub(crate) use layout::types::*;
pub(crate) use socket::types::{bss as socket_bss, rodata as socket_rodata};
pub(crate) use syscalls::types::rodata as syscalls_rodata;
pub(crate) use udp::types::rodata as udp_rodata;
pub(crate) use udp_kprobe::types::rodata as udp_kprobe_rodata;
pub(crate) use udp_syscalls::types::rodata as udp_syscalls_rodata;

/// A type that is made of plain integers only: every pattern of bytes is a value of it.
///
/// # Safety
///
/// All fields must be integers or arrays of them, without implicit padding.
pub(crate) unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($name:ident),*) => { $(
        // SAFETY: generated from a C struct of integers with explicit padding (`tests::layouts_agree`).
        unsafe impl Plain for $name {}
    )* };
}
plain!(
    weir_record,
    weir_open_ip,
    weir_open_unix,
    weir_owner,
    weir_chunk,
    weir_moves,
    weir_end,
    weir_exec,
    weir_exit,
    weir_tcp,
    weir_sums_key,
    weir_sums
);

/// Reads a `T` from the head of `bytes`; `None` when they are too few.
pub(crate) fn read<T: Plain>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: there are enough bytes, `T` has no invalid values, and the read does not need alignment.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// The bytes of a value that the kernel will read.
pub(crate) fn bytes_of<T: Copy>(value: &T) -> &[u8] {
    // SAFETY: `value` is initialised and lives as long as the slice; only `Copy` structs of integers come here.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast::<u8>(), size_of::<T>()) }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use libbpf_rs::btf::{Btf, HasSize, types};

    use super::*;

    /// Compares a struct's Rust layout with the C compiler's, which is in the object's BTF.
    macro_rules! check {
        ($btf:expr, $name:ident { $($field:ident),* }) => {{
            let c: types::Struct<'_> = $btf.type_by_name(stringify!($name)).expect(stringify!($name));
            let rust = [$((stringify!($field), offset_of!($name, $field))),*];
            let in_c: Vec<(String, usize)> = c
                .iter()
                .map(|member| {
                    let libbpf_rs::btf::types::MemberAttr::Normal { offset } = member.attr else {
                        panic!("bit field in {}", stringify!($name))
                    };
                    (member.name.expect("named").to_string_lossy().into_owned(), offset as usize / 8)
                })
                .collect();
            let rust: Vec<(String, usize)> = rust.iter().map(|(n, o)| (n.to_string(), *o)).collect();
            assert_eq!(rust, in_c, "{}", stringify!($name));
            assert_eq!(size_of::<$name>(), c.size(), "{}", stringify!($name));
            assert_eq!(size_of::<$name>() % 8, 0, "{}", stringify!($name));
        }};
    }

    /// One value is written into the variables of every object, of one that has fewer its beginning.
    #[test]
    fn all_objects_have_the_same_variables() {
        assert_eq!(size_of::<process::types::bss>(), size_of::<u32>());
        assert_eq!(offset_of!(process::types::bss, asleep), offset_of!(socket_bss, asleep));
        macro_rules! check {
            ($($object:ident),*) => { $(
                assert_eq!(size_of::<$object::types::bss>(), size_of::<socket_bss>(), stringify!($object));
                let offset = offset_of!($object::types::bss, own_process);
                assert_eq!(offset, offset_of!(socket_bss, own_process), stringify!($object));
                let offset = offset_of!($object::types::bss, left_out);
                assert_eq!(offset, offset_of!(socket_bss, left_out), stringify!($object));
                let offset = offset_of!($object::types::bss, asleep);
                assert_eq!(offset, offset_of!(socket_bss, asleep), stringify!($object));
                let offset = offset_of!($object::types::bss, sums_wanted);
                assert_eq!(offset, offset_of!(socket_bss, sums_wanted), stringify!($object));
                let offset = offset_of!($object::types::bss, one_by_one);
                assert_eq!(offset, offset_of!(socket_bss, one_by_one), stringify!($object));
            )* };
        }
        check!(kprobe, syscalls, udp, udp_kprobe, udp_syscalls);
    }

    #[test]
    fn layouts_agree() {
        let btf = Btf::from_path(concat!(env!("OUT_DIR"), "/layout.bpf.o")).expect("the object has BTF");
        check!(btf, weir_record { kind, pad, time });
        macro_rules! begins_as_every_record {
            ($($name:ident),*) => { $(
                assert_eq!(offset_of!($name, kind), offset_of!(weir_record, kind), stringify!($name));
                assert_eq!(offset_of!($name, time), offset_of!(weir_record, time), stringify!($name));
            )* };
        }
        begins_as_every_record!(
            weir_open_ip,
            weir_open_unix,
            weir_owner,
            weir_chunk,
            weir_moves,
            weir_end,
            weir_exec,
            weir_exit,
            weir_tcp
        );
        check!(
            btf,
            weir_open_ip {
                kind,
                role,
                from_start,
                datagrams,
                netns,
                time,
                connection,
                local,
                remote,
                local_port,
                remote_port,
                pad2
            }
        );
        check!(
            btf,
            weir_open_unix {
                kind,
                role,
                from_start,
                pad,
                netns,
                time,
                connection,
                peer,
                local_length,
                remote_length,
                inode,
                local,
                remote
            }
        );
        check!(btf, weir_owner { kind, pad, pid, time, connection, cgroup, command });
        check!(
            btf,
            weir_chunk {
                kind,
                direction,
                captured,
                length,
                time,
                connection,
                peer,
                position,
                previous_end,
                pid,
                tid
            }
        );
        check!(btf, weir_move { after, length });
        check!(
            btf,
            weir_moves {
                kind,
                role,
                count,
                generation,
                time,
                connection,
                socket,
                position,
                end,
                tid,
                pid,
                pad2,
                moves
            }
        );
        check!(btf, weir_end { kind, cause, known, pad, sent_end, time, connection, received_end, pad2 });
        check!(
            btf,
            weir_exec {
                kind,
                pad,
                file_length,
                pid,
                time,
                cgroup,
                arguments_length,
                pad2,
                command,
                file,
                arguments
            }
        );
        check!(btf, weir_exit { kind, pad, pid, time });
        check!(
            btf,
            weir_tcp {
                kind,
                moment,
                state,
                role,
                cause,
                flags,
                local_port,
                time,
                connection,
                began,
                local,
                remote,
                netns,
                inode,
                process,
                connect,
                sent,
                acked,
                received,
                retransmitted,
                segments_out,
                segments_in,
                data_segments_out,
                data_segments_in,
                retransmits,
                lost,
                reordered,
                out_of_order,
                duplicates,
                delivered,
                rtt,
                rtt_variation,
                rtt_min,
                window,
                segment_size,
                unacked,
                unsent,
                unread,
                backlog,
                backlog_limit,
                drops,
                remote_port,
                pad
            }
        );
        check!(
            btf,
            weir_sums_key {
                epoch,
                netns,
                process,
                client,
                local,
                remote,
                port,
                role,
                moment,
                cause,
                shard,
                pad
            }
        );
        check!(btf, weir_spread { sum, squares, least, most, buckets });
        check!(
            btf,
            weir_sums {
                number,
                left_out,
                sent,
                received,
                segments_out,
                segments_in,
                retransmits,
                connect,
                rtt,
                lifetime
            }
        );
    }
}
