//! Numbers and their names, as the registry has them
//! (<https://www.iana.org/assignments/dns-parameters/dns-parameters.xhtml>).

use model::Text;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Opcode {
    #[default]
    Query,
    InverseQuery,
    Status,
    Notify,
    Update,
    /// Stateful operations (RFC 8490); they have no question.
    Stateful,
}

impl Opcode {
    pub(super) fn of(number: u8) -> Option<Self> {
        Some(match number {
            0 => Opcode::Query,
            1 => Opcode::InverseQuery,
            2 => Opcode::Status,
            4 => Opcode::Notify,
            5 => Opcode::Update,
            6 => Opcode::Stateful,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Opcode::Query => "QUERY",
            Opcode::InverseQuery => "IQUERY",
            Opcode::Status => "STATUS",
            Opcode::Notify => "NOTIFY",
            Opcode::Update => "UPDATE",
            Opcode::Stateful => "DSO",
        }
    }
}

pub(super) const A: u16 = 1;
pub(super) const CNAME: u16 = 5;
pub(super) const SOA: u16 = 6;
pub(super) const AAAA: u16 = 28;
pub(super) const OPT: u16 = 41;
pub(super) const IXFR: u16 = 251;
pub(super) const AXFR: u16 = 252;
pub(super) const ANY: u16 = 255;

/// A type's name, where it has one.
///
/// Left out are those that were never used, or that only NetBIOS uses under the same number (32).
pub(super) fn type_name(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        10 => "NULL",
        11 => "WKS",
        12 => "PTR",
        13 => "HINFO",
        14 => "MINFO",
        15 => "MX",
        16 => "TXT",
        17 => "RP",
        18 => "AFSDB",
        24 => "SIG",
        25 => "KEY",
        28 => "AAAA",
        29 => "LOC",
        33 => "SRV",
        35 => "NAPTR",
        36 => "KX",
        37 => "CERT",
        39 => "DNAME",
        41 => "OPT",
        42 => "APL",
        43 => "DS",
        44 => "SSHFP",
        45 => "IPSECKEY",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        49 => "DHCID",
        50 => "NSEC3",
        51 => "NSEC3PARAM",
        52 => "TLSA",
        53 => "SMIMEA",
        55 => "HIP",
        59 => "CDS",
        60 => "CDNSKEY",
        61 => "OPENPGPKEY",
        62 => "CSYNC",
        63 => "ZONEMD",
        64 => "SVCB",
        65 => "HTTPS",
        99 => "SPF",
        108 => "EUI48",
        109 => "EUI64",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        255 => "ANY",
        256 => "URI",
        257 => "CAA",
        258 => "AVC",
        _ => return None,
    })
}

/// A type as text; one without a name by its number (RFC 3597, 5).
pub(super) fn type_text(number: u16) -> Text {
    match type_name(number) {
        Some(name) => Text::const_new(name),
        None => numbered("TYPE", number),
    }
}

pub(super) const IN: u16 = 1;

/// A class's name, where it has one.
pub(super) fn class_name(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "IN",
        3 => "CH",
        4 => "HS",
        254 => "NONE",
        255 => "ANY",
        _ => return None,
    })
}

/// A class as text.
pub(super) fn class_text(number: u16) -> Text {
    match class_name(number) {
        Some(name) => Text::const_new(name),
        None => numbered("CLASS", number),
    }
}

/// A response code's name, with the bits that EDNS adds, where it has one.
fn rcode_name(number: u16) -> Option<&'static str> {
    Some(match number {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "DSOTYPENI",
        16 => "BADVERS",
        17 => "BADKEY",
        18 => "BADTIME",
        19 => "BADMODE",
        20 => "BADNAME",
        21 => "BADALG",
        22 => "BADTRUNC",
        23 => "BADCOOKIE",
        _ => return None,
    })
}

/// A response code as text.
pub(super) fn rcode_text(number: u16) -> Text {
    match rcode_name(number) {
        Some(name) => Text::const_new(name),
        None => numbered("RCODE", number),
    }
}

/// The names of all response codes but the one that says that all is well.
pub fn error_words() -> Vec<&'static str> {
    (1..=u16::from(u8::MAX)).filter_map(rcode_name).collect()
}

fn numbered(word: &'static str, number: u16) -> Text {
    let mut text = Text::const_new(word);
    // Writing to a string cannot fail.
    let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{number}"));
    text
}
