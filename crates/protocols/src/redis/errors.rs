//! The words with which the server's own errors begin. Modules and scripts have others.

/// All of them, as they are sent.
pub fn error_words() -> Vec<&'static str> {
    vec![
        "ERR",
        "ASK",
        "BUSY",
        "BUSYGROUP",
        "BUSYKEY",
        "CLUSTERDOWN",
        "CROSSSLOT",
        "DENIED",
        "EXECABORT",
        "INPROG",
        "INVALIDOBJ",
        "IOERR",
        "LOADING",
        "MASTERDOWN",
        "MISCONF",
        "MOVED",
        "NOAUTH",
        "NOGOODSLAVE",
        "NOGROUP",
        "NOMASTERLINK",
        "NOPERM",
        "NOPROTO",
        "NOREPLICAS",
        "NOSCRIPT",
        "NOTBUSY",
        "OOM",
        "READONLY",
        "TRYAGAIN",
        "UNBLOCKED",
        "UNKILLABLE",
        "WRONGPASS",
        "WRONGTYPE",
    ]
}
