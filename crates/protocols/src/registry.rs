//! The one list of protocols. A new protocol is one folder and one line here, or one for each of its transports:
//!
//! `Variant => folder, "name", [other names], words of its errors;`
//!
//! The other names are what people type and what a narrow column shows, the longest first; the last has at most
//! [`SHORT`] letters where the name has more. The words are the errors that a user may ask for by name, where there
//! are any: a function of the folder.

use model::{Nanos, Party};

use crate::contract::{Context, Conversation, CutBy, Input, Outstanding, Step};

/// What the narrowest column has room for: letters.
pub const SHORT: usize = 5;

macro_rules! protocols {
    (
        spoken { $($variant:ident => $($module:ident)::+, $name:literal, [$($also:literal),*] $(, $errors:path)?;)* }
        datagrams { $(
            $datagram:ident => $datagram_module:ident, $datagram_name:literal, [$($datagram_also:literal),*]
            $(, $datagram_errors:path)?;
        )* }
        left_alone { $($alone:ident => $alone_module:ident, $alone_name:literal;)* }
    ) => {
        /// A protocol that Weir knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Protocol {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            $(#[doc = concat!("`", $datagram_name, "`, in datagrams")] $datagram,)*
            $(#[doc = concat!("`", $alone_name, "`: recognised and left alone")] $alone,)*
        }

        impl Protocol {
            /// Every protocol, in the order in which detection asks them.
            pub const ALL: &[Protocol] = &[$(Protocol::$variant,)* $(Protocol::$datagram,)* $(Protocol::$alone,)*];

            /// True for one that is spoken in datagrams, false for one in streams of bytes.
            pub fn in_datagrams(self) -> bool {
                match self {
                    $(Protocol::$variant => false,)*
                    $(Protocol::$datagram => true,)*
                    $(Protocol::$alone => false,)*
                }
            }

            /// The name in records and metrics.
            pub fn name(self) -> &'static str {
                match self {
                    $(Protocol::$variant => $name,)*
                    $(Protocol::$datagram => $datagram_name,)*
                    $(Protocol::$alone => $alone_name,)*
                }
            }

            /// Other names that it goes by, the longest first.
            pub fn also(self) -> &'static [&'static str] {
                match self {
                    $(Protocol::$variant => &[$($also),*],)*
                    $(Protocol::$datagram => &[$($datagram_also),*],)*
                    $(Protocol::$alone => &[],)*
                }
            }

            /// Errors that have a name of their own, as `Request::error` has them; not all that there may be.
            pub fn error_words(self) -> Vec<&'static str> {
                match self {
                    $(Protocol::$variant => protocols!(@words $($errors)?),)*
                    $(Protocol::$datagram => protocols!(@words $($datagram_errors)?),)*
                    $(Protocol::$alone => Vec::new(),)*
                }
            }

            /// How sure it is, from 0 to [`crate::CERTAIN`], that `prefix` is what `party` sends in this
            /// protocol where a message begins. `prefix` may be cut anywhere; of a protocol that is spoken in
            /// datagrams it is one datagram.
            pub fn detect(self, party: Party, prefix: &[u8]) -> u8 {
                match self {
                    $(Protocol::$variant => crate::$($module)::+::detect(party, prefix),)*
                    $(Protocol::$datagram => crate::$datagram_module::detect(party, prefix),)*
                    $(Protocol::$alone => crate::$alone_module::detect(party, prefix),)*
                }
            }

            /// A conversation in this protocol; `None` for one that is recognised and left alone.
            pub fn conversation(self) -> Option<AnyConversation> {
                match self {
                    $(Protocol::$variant => Some(AnyConversation::$variant(Default::default())),)*
                    $(Protocol::$datagram => Some(AnyConversation::$datagram(Default::default())),)*
                    $(Protocol::$alone => None,)*
                }
            }
        }

        /// A conversation in one of the protocols.
        #[derive(Debug)]
        pub enum AnyConversation {
            $(#[doc = concat!("`", $name, "`")] $variant(Box<crate::$($module)::+::Conversation>),)*
            $(#[doc = concat!("`", $datagram_name, "`")] $datagram(Box<crate::$datagram_module::Conversation>),)*
        }

        impl Conversation for AnyConversation {
            fn step(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Step {
                match self { $(Self::$variant(c) => c.step(party, input, context),)* $(Self::$datagram(c) => c.step(party, input, context),)* }
            }
            fn skipped(&mut self, party: Party, last: Nanos, context: &mut Context) {
                match self { $(Self::$variant(c) => c.skipped(party, last, context),)* $(Self::$datagram(c) => c.skipped(party, last, context),)* }
            }
            fn gap(&mut self, party: Party, length: Option<u64>, at: Nanos, context: &mut Context) {
                match self { $(Self::$variant(c) => c.gap(party, length, at, context),)* $(Self::$datagram(c) => c.gap(party, length, at, context),)* }
            }
            fn lost(&mut self, party: Party) {
                match self { $(Self::$variant(c) => c.lost(party),)* $(Self::$datagram(c) => c.lost(party),)* }
            }
            fn resync(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Option<usize> {
                match self { $(Self::$variant(c) => c.resync(party, input, context),)* $(Self::$datagram(c) => c.resync(party, input, context),)* }
            }
            fn end(&mut self, party: Party, how: CutBy, passed: u64, at: Nanos, context: &mut Context) {
                match self { $(Self::$variant(c) => c.end(party, how, passed, at, context),)* $(Self::$datagram(c) => c.end(party, how, passed, at, context),)* }
            }
            fn expire(&mut self, now: Nanos, context: &mut Context) {
                match self { $(Self::$variant(c) => c.expire(now, context),)* $(Self::$datagram(c) => c.expire(now, context),)* }
            }
            fn wants_tails(&self, party: Party) -> bool {
                match self { $(Self::$variant(c) => c.wants_tails(party),)* $(Self::$datagram(c) => c.wants_tails(party),)* }
            }
            fn holds(&self, party: Party) -> bool {
                match self { $(Self::$variant(c) => c.holds(party),)* $(Self::$datagram(c) => c.holds(party),)* }
            }
            fn outstanding(&self) -> Option<Outstanding> {
                match self { $(Self::$variant(c) => c.outstanding(),)* $(Self::$datagram(c) => c.outstanding(),)* }
            }
            fn oldest_pending(&self) -> Option<Nanos> {
                match self { $(Self::$variant(c) => c.oldest_pending(),)* $(Self::$datagram(c) => c.oldest_pending(),)* }
            }
            fn may_miss(&self, party: Party) -> bool {
                match self { $(Self::$variant(c) => c.may_miss(party),)* $(Self::$datagram(c) => c.may_miss(party),)* }
            }
            fn left_as(&self) -> &'static str {
                match self { $(Self::$variant(c) => c.left_as(),)* $(Self::$datagram(c) => c.left_as(),)* }
            }
        }
    };
    (@words) => { Vec::new() };
    (@words $words:path) => { $words() };
}

protocols! {
    spoken {
        Http => http, "http", [];
        Redis => redis, "redis", ["valkey"], crate::redis::error_words;
        MySql => mysql, "mysql", ["mariadb"];
        PostgreSql => postgresql, "postgresql", ["postgres", "pgsql"];
        DnsOverTcp => dns::stream, "dns", [], crate::dns::error_words;
    }
    datagrams {
        Dns => dns, "dns", [], crate::dns::error_words;
    }
    left_alone {
        Tls => tls, "tls";
    }
}

impl Protocol {
    /// True where an exchange may tell to which addresses a name leads: [`crate::dns::resolved`].
    pub fn resolves_names(self) -> bool {
        matches!(self, Protocol::Dns | Protocol::DnsOverTcp)
    }

    /// Those whose requests are shown, each once: not the ones that are left alone, and one transport of several.
    pub fn shown() -> impl Iterator<Item = Protocol> {
        let read = |protocol: &Protocol| protocol.conversation().is_some();
        let first = |(place, protocol): &(usize, Protocol)| {
            !Protocol::ALL[..*place].iter().any(|before| before.name() == protocol.name())
        };
        Protocol::ALL.iter().copied().enumerate().filter(first).map(|(_, protocol)| protocol).filter(read)
    }

    /// The one that goes by this name, in whatever case.
    pub fn named(name: &str) -> Option<Protocol> {
        let goes_by = |own: &&str| own.eq_ignore_ascii_case(name);
        Protocol::ALL
            .iter()
            .copied()
            .find(|protocol| goes_by(&protocol.name()) || protocol.also().iter().any(goes_by))
    }

    /// The longest of its names that has no more letters than `most`; else the shortest.
    pub fn name_within(self, most: usize) -> &'static str {
        let names = || std::iter::once(self.name()).chain(self.also().iter().copied());
        let fits = |name: &&'static str| name.len() <= most;
        // An alias is used only where the name itself does not fit, so the order is that of the list.
        names().find(fits).or_else(|| names().min_by_key(|name| name.len())).unwrap_or(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_leads_to_one_protocol() {
        let mut names = BTreeSet::new();
        for protocol in Protocol::shown() {
            for name in std::iter::once(&protocol.name()).chain(protocol.also()) {
                assert!(names.insert(*name), "{name} is given twice");
                assert_eq!(Protocol::named(&name.to_uppercase()).map(Protocol::name), Some(protocol.name()));
            }
        }
        assert_eq!(Protocol::named("nosuch"), None);
    }

    #[test]
    fn every_protocol_has_a_name_for_the_narrowest_column() {
        for protocol in Protocol::shown() {
            let short = protocol.name_within(SHORT);
            assert!(short.len() <= SHORT, "{short}: a short name is missing in the registry");
        }
        let within = |most| Protocol::PostgreSql.name_within(most);
        assert_eq!([10, 8, 5].map(within), ["postgresql", "postgres", "pgsql"]);
        assert_eq!(Protocol::MySql.name_within(20), "mysql", "another name is for want of room only");
    }

    #[test]
    fn transports_of_a_protocol_agree() {
        for one in Protocol::ALL {
            for other in Protocol::ALL.iter().filter(|other| other.name() == one.name()) {
                assert_eq!((one.also(), one.error_words()), (other.also(), other.error_words()));
            }
        }
        let names: Vec<_> = Protocol::shown().map(Protocol::name).collect();
        assert_eq!(names.iter().filter(|name| **name == "dns").count(), 1, "{names:?}");
        assert!(!names.contains(&"tls"), "{names:?}");
    }
}
