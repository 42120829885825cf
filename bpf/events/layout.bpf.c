// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Never loaded: one variable of every type that crosses the boundary, from which the Rust types are generated. */
#include "../include/weir.h"
#include "socket.h"
#include "process.h"
#include "tcp.h"
#include "sums.h"

struct weir_record shared_record;
struct weir_open_ip shared_open_ip;
struct weir_open_unix shared_open_unix;
struct weir_owner shared_owner;
struct weir_chunk shared_chunk;
struct weir_moves shared_moves;
struct weir_end shared_end;
struct weir_exec shared_exec;
struct weir_exit shared_exit;
struct weir_tcp shared_tcp;
struct weir_sums_key shared_sums_key;
struct weir_sums shared_sums;
enum weir_kind shared_kind;
enum weir_loss shared_loss;
enum weir_direction shared_direction;
enum weir_role shared_role;
enum weir_end_cause shared_end_cause;
enum weir_known_ends shared_known_ends;
enum weir_limits shared_limits;
enum weir_order shared_order;
enum weir_tcp_moment shared_tcp_moment;
enum weir_tcp_cause shared_tcp_cause;
enum weir_tcp_flags shared_tcp_flags;
enum weir_sums_limits shared_sums_limits;
