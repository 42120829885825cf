//! The one list of protocols. A new protocol is one folder and one line here, or one for each of its transports.

use model::{Nanos, Party};

use crate::contract::{Context, Conversation, CutBy, Input, Step};

macro_rules! protocols {
    (
        spoken { $($variant:ident => $($module:ident)::+, $name:literal;)* }
        datagrams { $($datagram:ident => $datagram_module:ident, $datagram_name:literal;)* }
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
}

protocols! {
    spoken {
        Http => http, "http";
        Redis => redis, "redis";
        MySql => mysql, "mysql";
        PostgreSql => postgresql, "postgresql";
        DnsOverTcp => dns::stream, "dns";
    }
    datagrams {
        Dns => dns, "dns";
    }
    left_alone {
        Tls => tls, "tls";
    }
}
