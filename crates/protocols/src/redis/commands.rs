//! The commands of Redis and of its usual modules.

/// A command, or a subcommand with its container's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// What is special about a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// The next argument names a subcommand.
    Container,
    /// Waits by what it means.
    Waits,
    /// Waits when it has a BLOCK option before STREAMS.
    MayWait,
    /// Answered once a channel.
    Subscribe,
    /// Answered once a channel, or as often as there are subscriptions.
    Unsubscribe,
    /// Ends with the first line of its reply, and so does what can be understood.
    Leaves,
    /// Has no reply, and is said only where a replica follows its master.
    Replicates,
    Select,
    /// Allowed, and answered by an array, where a client of RESP2 subscribed.
    Ping,
    Reset,
    Multi,
    Exec,
    Discard,
    ClientReply,
    /// Its arguments may hold a password: they are never shown.
    Secret,
}

macro_rules! commands {
    ($($kind:ident: $($name:literal)*;)*) => {
        /// All commands. The first one stands for every command that is not here.
        static COMMANDS: &[Command] = &[$($(Command { name: $name, kind: Kind::$kind },)*)*];
    };
}

commands! {
    Plain: "OTHER"
        // Strings, keys.
        "APPEND" "COPY" "DECR" "DECRBY" "DEL" "DELEX" "DIGEST" "DUMP" "EXISTS" "EXPIRE" "EXPIREAT"
        "EXPIRETIME" "GET" "GETDEL" "GETEX" "GETRANGE" "GETSET" "INCR" "INCRBY" "INCRBYFLOAT" "KEYS" "LCS"
        "MGET" "MOVE" "MSET" "MSETEX" "MSETNX" "PERSIST" "PEXPIRE" "PEXPIREAT" "PEXPIRETIME" "PSETEX" "PTTL"
        "RANDOMKEY" "RENAME" "RENAMENX" "RESTORE" "RESTORE-ASKING" "SCAN" "SET" "SETEX" "SETNX" "SETRANGE"
        "SORT" "SORT_RO" "STRLEN" "SUBSTR" "TOUCH" "TTL" "TYPE" "UNLINK"
        // Hashes.
        "HDEL" "HEXISTS" "HEXPIRE" "HEXPIREAT" "HEXPIRETIME" "HGET" "HGETALL" "HGETDEL" "HGETEX" "HINCRBY"
        "HINCRBYFLOAT" "HKEYS" "HLEN" "HMGET" "HMSET" "HPERSIST" "HPEXPIRE" "HPEXPIREAT" "HPEXPIRETIME"
        "HPTTL" "HRANDFIELD" "HSCAN" "HSET" "HSETEX" "HSETNX" "HSTRLEN" "HTTL" "HVALS"
        // Lists.
        "LINDEX" "LINSERT" "LLEN" "LMOVE" "LMPOP" "LPOP" "LPOS" "LPUSH" "LPUSHX" "LRANGE" "LREM" "LSET"
        "LTRIM" "RPOP" "RPOPLPUSH" "RPUSH" "RPUSHX"
        // Sets.
        "SADD" "SCARD" "SDIFF" "SDIFFSTORE" "SINTER" "SINTERCARD" "SINTERSTORE" "SISMEMBER" "SMEMBERS"
        "SMISMEMBER" "SMOVE" "SPOP" "SRANDMEMBER" "SREM" "SSCAN" "SUNION" "SUNIONSTORE"
        // Sorted sets.
        "ZADD" "ZCARD" "ZCOUNT" "ZDIFF" "ZDIFFSTORE" "ZINCRBY" "ZINTER" "ZINTERCARD" "ZINTERSTORE"
        "ZLEXCOUNT" "ZMPOP" "ZMSCORE" "ZPOPMAX" "ZPOPMIN" "ZRANDMEMBER" "ZRANGE" "ZRANGEBYLEX"
        "ZRANGEBYSCORE" "ZRANGESTORE" "ZRANK" "ZREM" "ZREMRANGEBYLEX" "ZREMRANGEBYRANK" "ZREMRANGEBYSCORE"
        "ZREVRANGE" "ZREVRANGEBYLEX" "ZREVRANGEBYSCORE" "ZREVRANK" "ZSCAN" "ZSCORE" "ZUNION" "ZUNIONSTORE"
        // Streams.
        "XACK" "XACKDEL" "XADD" "XAUTOCLAIM" "XCLAIM" "XDEL" "XDELEX" "XLEN" "XPENDING" "XRANGE" "XREVRANGE"
        "XSETID" "XTRIM"
        // Bitmaps, HyperLogLog, geography.
        "BITCOUNT" "BITFIELD" "BITFIELD_RO" "BITOP" "BITPOS" "GETBIT" "SETBIT" "PFADD" "PFCOUNT" "PFDEBUG"
        "PFMERGE" "PFSELFTEST" "GEOADD" "GEODIST" "GEOHASH" "GEOPOS" "GEORADIUS" "GEORADIUSBYMEMBER"
        "GEORADIUSBYMEMBER_RO" "GEORADIUS_RO" "GEOSEARCH" "GEOSEARCHSTORE"
        // Transactions, scripts, publishing.
        "UNWATCH" "WATCH" "EVAL" "EVALSHA" "EVALSHA_RO" "EVAL_RO" "FCALL"
        "FCALL_RO" "PUBLISH" "SPUBLISH"
        // Connections, servers.
        "ASKING" "BGREWRITEAOF" "BGSAVE" "DBSIZE" "ECHO" "FAILOVER" "FLUSHALL" "FLUSHDB" "INFO" "LASTSAVE"
        "LOLWUT" "QUIT" "READONLY" "READWRITE" "REPLICAOF" "ROLE" "SAVE" "SHUTDOWN"
        "SLAVEOF" "SWAPDB" "TIME"
        // Vector sets.
        "VADD" "VCARD" "VDIM" "VEMB" "VGETATTR" "VINFO" "VISMEMBER" "VLINKS" "VRANDMEMBER" "VREM"
        "VSETATTR" "VSIM"
        // Modules: JSON, search, time series, Bloom filters and their like.
        "JSON.ARRAPPEND" "JSON.ARRINDEX" "JSON.ARRINSERT" "JSON.ARRLEN" "JSON.ARRPOP" "JSON.ARRTRIM"
        "JSON.CLEAR" "JSON.DEL" "JSON.FORGET" "JSON.GET" "JSON.MERGE" "JSON.MGET" "JSON.MSET"
        "JSON.NUMINCRBY" "JSON.NUMMULTBY" "JSON.OBJKEYS" "JSON.OBJLEN" "JSON.SET" "JSON.STRAPPEND"
        "JSON.STRLEN" "JSON.TOGGLE" "JSON.TYPE" "FT._LIST" "FT.AGGREGATE" "FT.ALIASADD" "FT.ALIASDEL"
        "FT.ALTER" "FT.CREATE" "FT.DROPINDEX" "FT.EXPLAIN" "FT.HYBRID" "FT.INFO" "FT.PROFILE" "FT.SEARCH"
        "FT.SUGADD" "FT.SUGGET" "FT.TAGVALS" "TS.ADD" "TS.ALTER" "TS.CREATE" "TS.CREATERULE" "TS.DEL"
        "TS.GET" "TS.INCRBY" "TS.INFO" "TS.MADD" "TS.MGET" "TS.MRANGE" "TS.QUERYINDEX" "TS.RANGE"
        "TS.REVRANGE" "BF.ADD" "BF.EXISTS" "BF.INFO" "BF.INSERT" "BF.MADD" "BF.MEXISTS" "BF.RESERVE"
        "CF.ADD" "CF.ADDNX" "CF.DEL" "CF.EXISTS" "CF.INSERT" "CF.RESERVE" "CMS.INCRBY" "CMS.INITBYDIM"
        "CMS.QUERY" "TOPK.ADD" "TOPK.LIST" "TOPK.QUERY" "TOPK.RESERVE" "TDIGEST.ADD" "TDIGEST.CREATE"
        "TDIGEST.QUANTILE"
        // Subcommands.
        "ACL CAT" "ACL DELUSER" "ACL DRYRUN" "ACL GENPASS" "ACL GETUSER" "ACL LIST" "ACL LOAD" "ACL LOG"
        "ACL SAVE" "ACL USERS" "ACL WHOAMI" "CLIENT CACHING" "CLIENT GETNAME" "CLIENT GETREDIR" "CLIENT ID"
        "CLIENT INFO" "CLIENT KILL" "CLIENT LIST" "CLIENT NO-EVICT" "CLIENT NO-TOUCH" "CLIENT PAUSE"
        "CLIENT SETINFO" "CLIENT SETNAME" "CLIENT TRACKING" "CLIENT TRACKINGINFO" "CLIENT UNBLOCK"
        "CLIENT UNPAUSE" "CLUSTER ADDSLOTS" "CLUSTER ADDSLOTSRANGE" "CLUSTER BUMPEPOCH"
        "CLUSTER COUNT-FAILURE-REPORTS" "CLUSTER COUNTKEYSINSLOT" "CLUSTER DELSLOTS"
        "CLUSTER DELSLOTSRANGE" "CLUSTER FAILOVER" "CLUSTER FLUSHSLOTS" "CLUSTER FORGET"
        "CLUSTER GETKEYSINSLOT" "CLUSTER INFO" "CLUSTER KEYSLOT" "CLUSTER LINKS" "CLUSTER MEET"
        "CLUSTER MYID" "CLUSTER MYSHARDID" "CLUSTER NODES" "CLUSTER REPLICAS" "CLUSTER REPLICATE"
        "CLUSTER RESET" "CLUSTER SAVECONFIG" "CLUSTER SET-CONFIG-EPOCH" "CLUSTER SETSLOT" "CLUSTER SHARDS"
        "CLUSTER SLAVES" "CLUSTER SLOT-STATS" "CLUSTER SLOTS" "COMMAND COUNT" "COMMAND DOCS"
        "COMMAND GETKEYS" "COMMAND GETKEYSANDFLAGS" "COMMAND INFO" "COMMAND LIST" "CONFIG GET"
        "CONFIG RESETSTAT" "CONFIG REWRITE" "DEBUG SLEEP" "FUNCTION DELETE" "FUNCTION DUMP"
        "FUNCTION FLUSH" "FUNCTION KILL" "FUNCTION LIST" "FUNCTION LOAD" "FUNCTION RESTORE"
        "FUNCTION STATS" "LATENCY DOCTOR" "LATENCY GRAPH" "LATENCY HISTOGRAM" "LATENCY HISTORY"
        "LATENCY LATEST" "LATENCY RESET" "MEMORY DOCTOR" "MEMORY MALLOC-STATS" "MEMORY PURGE"
        "MEMORY STATS" "MEMORY USAGE" "MODULE LIST" "MODULE LOAD" "MODULE LOADEX" "MODULE UNLOAD"
        "OBJECT ENCODING" "OBJECT FREQ" "OBJECT IDLETIME" "OBJECT REFCOUNT" "PUBSUB CHANNELS"
        "PUBSUB NUMPAT" "PUBSUB NUMSUB" "PUBSUB SHARDCHANNELS" "PUBSUB SHARDNUMSUB" "SCRIPT DEBUG"
        "SCRIPT EXISTS" "SCRIPT FLUSH" "SCRIPT KILL" "SCRIPT LOAD" "SENTINEL CKQUORUM"
        "SENTINEL FAILOVER" "SENTINEL FLUSHCONFIG" "SENTINEL GET-MASTER-ADDR-BY-NAME"
        "SENTINEL IS-MASTER-DOWN-BY-ADDR" "SENTINEL MASTER" "SENTINEL MASTERS" "SENTINEL MONITOR"
        "SENTINEL MYID" "SENTINEL REPLICAS" "SENTINEL RESET" "SENTINEL SENTINELS" "SLOWLOG GET"
        "SLOWLOG LEN" "SLOWLOG RESET" "XGROUP CREATE" "XGROUP CREATECONSUMER" "XGROUP DELCONSUMER"
        "XGROUP DESTROY" "XGROUP SETID" "XINFO CONSUMERS" "XINFO GROUPS" "XINFO STREAM";
    Container: "ACL" "CLIENT" "CLUSTER" "COMMAND" "CONFIG" "DEBUG" "FUNCTION" "LATENCY" "MEMORY" "MODULE"
        "OBJECT" "PUBSUB" "REPLCONF" "SCRIPT" "SENTINEL" "SLOWLOG" "XGROUP" "XINFO";
    Waits: "BLPOP" "BRPOP" "BLMOVE" "BRPOPLPUSH" "BZPOPMIN" "BZPOPMAX" "BLMPOP" "BZMPOP" "WAIT" "WAITAOF";
    MayWait: "XREAD" "XREADGROUP";
    Subscribe: "SUBSCRIBE" "PSUBSCRIBE" "SSUBSCRIBE";
    Unsubscribe: "UNSUBSCRIBE" "PUNSUBSCRIBE" "SUNSUBSCRIBE";
    Leaves: "MONITOR" "PSYNC" "SYNC";
    Replicates: "REPLCONF ACK" "REPLCONF GETACK";
    Select: "SELECT";
    Ping: "PING";
    Reset: "RESET";
    Multi: "MULTI";
    Exec: "EXEC";
    Discard: "DISCARD";
    ClientReply: "CLIENT REPLY";
    Secret: "AUTH" "HELLO" "MIGRATE" "CONFIG SET" "ACL SETUSER" "SENTINEL SET" "SENTINEL CONFIG";
}

/// A command's place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Id(u16);

impl Id {
    /// Any command that is not in the table.
    pub(super) const OTHER: Id = Id(0);

    pub(super) fn command(self) -> &'static Command {
        &COMMANDS[usize::from(self.0)]
    }

    pub(super) fn kind(self) -> Kind {
        self.command().kind
    }

    /// The command that `name` names, in any case.
    pub(super) fn of(name: &[u8]) -> Option<Id> {
        if name.is_empty() || name.len() > LONGEST {
            return None;
        }
        let mut slot = hash(name);
        loop {
            let id = TABLE[slot];
            if id == 0 {
                return None;
            }
            if COMMANDS[usize::from(id)].name.as_bytes().eq_ignore_ascii_case(name) {
                return Some(Id(id));
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// The subcommand `name` of this container; the container where it is not in the table.
    pub(super) fn subcommand(self, name: &[u8]) -> Id {
        let container = self.command().name.as_bytes();
        let mut full = [b' '; LONGEST];
        let length = container.len() + 1 + name.len();
        if length > LONGEST {
            return self;
        }
        full[..container.len()].copy_from_slice(container);
        full[container.len() + 1..length].copy_from_slice(name);
        Id::of(&full[..length]).unwrap_or(self)
    }
}

const LONGEST: usize = 40;
const SLOTS: usize = 2048;

/// Open addressing over [`hash`]; 0 is free. Built by the compiler.
static TABLE: [u16; SLOTS] = table();

const fn table() -> [u16; SLOTS] {
    let mut table = [0; SLOTS];
    let mut id = 1;
    while id < COMMANDS.len() {
        let mut slot = hash(COMMANDS[id].name.as_bytes());
        while table[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = id as u16;
        id += 1;
    }
    table
}

/// Of a name in any case, at least one byte: its length, both ends and its middle.
const fn hash(name: &[u8]) -> usize {
    const fn upper(byte: u8) -> u32 {
        (byte & 0xdf) as u32
    }
    let length = name.len();
    let ends = upper(name[0]) | upper(name[length - 1]) << 8;
    let middle = upper(name[length / 2]) << 16 | upper(name[length * 3 / 4]) << 24;
    let mixed = (ends | middle).wrapping_add((length as u32).wrapping_mul(0x9e37_79b9));
    (mixed.wrapping_mul(0x85eb_ca6b) >> 21) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_found() {
        for (place, command) in COMMANDS.iter().enumerate().skip(1) {
            assert_eq!(Id::of(command.name.as_bytes()), Some(Id(place as u16)), "{}", command.name);
            assert_eq!(Id::of(command.name.to_ascii_lowercase().as_bytes()), Some(Id(place as u16)));
        }
        assert_eq!(Id::of(b"OTHER"), None);
        assert_eq!(Id::of(b""), None);
        assert_eq!(Id::of(&[b'X'; 99]), None);
    }

    #[test]
    fn subcommands() {
        for (container, subcommand, expected) in [
            ("config", "get", "CONFIG GET"),
            ("CLIENT", "SetName", "CLIENT SETNAME"),
            ("XGROUP", "nonsense", "XGROUP"),
            ("XGROUP", &"x".repeat(99), "XGROUP"),
        ] {
            let id = Id::of(container.as_bytes()).map(|id| id.subcommand(subcommand.as_bytes()));
            assert_eq!(id.map(|id| id.command().name), Some(expected));
        }
    }
}
