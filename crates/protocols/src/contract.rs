//! What a protocol must do, and what it may rely on.
//!
//! The driver (crate `requests`) owns a connection's two directions. It finds the protocol with the
//! `detect` functions, makes a [`Conversation`], and feeds it:
//!
//! * [`Conversation::step`] with the bytes at the head of one party's direction, one message part at a
//!   time, until it wants more than there is;
//! * [`Conversation::skipped`] when the bytes that a step asked to pass over have gone by, seen or not;
//! * [`Conversation::gap`] when bytes are missing that were not to be passed over, then
//!   [`Conversation::resync`] on what follows, until a beginning is found;
//! * [`Conversation::expire`] now and then while something is outstanding: some protocols give no answer at
//!   all where others say no;
//! * [`Conversation::end`] when a party can say no more.
//!
//! What was asked of a multicast group may be answered by several: each datagram that `detect` takes for a server's is fed to
//! the asker's conversation, as of the server.
//!
//! What a proxy says before all else ([`crate::proxied`]) is taken off before any of this. What follows [`Step::LookAgain`] is
//! begun with anew, a few times at most on a connection.
//!
//! Both parties' messages arrive in the order in which they were seen, which is nearly always, but not
//! surely, the order in which they happened: a response may be shown shortly before its request.

use model::trace::Ids;
use model::{Attributes, Nanos, Party, Text, request::Incomplete};

/// The head of one party's direction.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The bytes that nobody has read yet; never empty.
    pub bytes: &'a [u8],
    /// When the first of them was seen.
    pub first: Nanos,
    /// When the last of them was seen.
    pub last: Nanos,
    /// Where the first of them stands in its direction, modulo 2^32: a TCP sequence number. What it counts from is not known here.
    pub position: u32,
    /// True when the first byte is also the first that this party sent after the other one spoke (or the
    /// first at all): a likely place for a message to begin.
    pub run_start: bool,
    /// They are one datagram, or as much of it as was captured: it is a message, and no other bytes belong to it.
    /// A step reads all of it or answers [`Step::Lost`].
    pub datagram: bool,
}

/// What a conversation made of the head of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing can be read until more bytes come. The driver keeps what it has and calls again with
    /// all of it and more. Past its bound (64 KiB) it reports the direction as lost instead.
    NeedMore,
    /// The first `usize` bytes (at least one) were read.
    Read(usize),
    /// The first `read` bytes were read, and the `skip` bytes behind them carry nothing of interest: they
    /// may be missing. When the last of them went by, [`Conversation::skipped`] is called. `read` may be 0.
    Skip {
        /// Bytes read.
        read: usize,
        /// Bytes to pass over, at least one.
        skip: u64,
    },
    /// The first `usize` bytes were read; all that this party will ever send after them is of no interest
    /// (a body that ends with the connection). [`Conversation::end`] tells the end.
    SkipRest(usize),
    /// The first `usize` bytes were read; what follows on the connection, both ways, is another protocol
    /// or none, and not to be read: after an upgrade to what Weir does not know, or to encryption.
    Leave(usize),
    /// The first `usize` bytes (perhaps none) were read; what follows on the connection, both ways, is to be looked at as if the
    /// connection began here, of which the client and the server stay the same: after CONNECT. What the other party
    /// sent, and was not read yet, is part of that. The conversation is over, with all that was outstanding.
    LookAgain(usize),
    /// These bytes are not what the protocol allows. The driver counts it and goes on with
    /// [`Conversation::resync`].
    Lost,
}

/// How a party, or both, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutBy {
    /// This party closed in good order: it will send no more.
    Close,
    /// This party reset the connection.
    Reset,
    /// The kernel, or the conversation itself ([`Conversation::expire`]), gave up waiting for this party.
    TimedOut,
    /// Weir stopped watching (idle for too long, or told to stop): nothing is known of what came after.
    Forgotten,
}

/// One side of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Half {
    /// Whole size on the wire, head included. Of a message that was cut, as much as surely went by.
    pub bytes: u64,
    /// When its first byte was seen.
    pub first: Nanos,
    /// When its last byte was seen.
    pub last: Nanos,
    /// Where its first byte stands in its direction: [`Input::position`].
    pub position: u32,
}

/// A request that is not answered yet, of which the head was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outstanding {
    /// When its first byte was seen.
    pub first: Nanos,
    /// Where that stands.
    pub position: u32,
    /// What a proxy passes on unchanged of it, as a number; 0 where no proxy is known to.
    pub key: u64,
    /// By which headers say that it belongs to others.
    pub ids: Ids,
}

impl From<&Half> for Outstanding {
    fn from(half: &Half) -> Self {
        Outstanding { first: half.first, position: half.position, ..Outstanding::default() }
    }
}

/// How an exchange came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Ok,
    /// It failed for both sides; the `error.type`.
    Error(Text),
    /// It failed as the client sees it, and is in order as the server sees it (HTTP 4xx).
    ErrorForClient(Text),
    /// It was cut before the response was whole, by this party, in this way.
    Cut(Party, CutBy),
}

/// A finished exchange.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Low cardinality: `GET /users/{id}`, `SET`.
    pub name: Text,
    /// The request.
    pub request: Half,
    /// The response; all zero where there was none.
    pub response: Half,
    /// How it came out.
    pub outcome: Outcome,
    /// Further facts, keys from [`model::names`].
    pub attributes: Attributes,
    /// The time is the caller's wish to wait.
    pub waiting: bool,
    /// What was not seen.
    pub incomplete: Option<Incomplete>,
}

/// How certain a `detect` function is: surely this protocol.
pub const CERTAIN: u8 = 100;
/// How certain a `detect` function is: taken for it when the other party's bytes agree.
pub const LIKELY: u8 = 50;

/// What the user may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// Let Redis arguments, SQL literals and URL query values through instead of `?`.
    pub keep_values: bool,
    /// Leave out attributes that no metric has.
    pub lean: bool,
    /// Note headers that say which requests belong together ([`Outstanding::ids`]).
    pub ids: bool,
}

/// What a conversation works with besides its own state.
#[derive(Debug, Default)]
pub struct Context {
    /// What the user chose.
    pub settings: Settings,
    /// What stands for the server's identity (service or address) while routes are learnt.
    pub server: u64,
    /// Learnt path templates, shared by all connections; bounded.
    pub routes: crate::http::Routes,
    /// What is known of SQL statements that came before, shared by all connections; bounded.
    pub statements: crate::sql::Statements,
    /// Finished exchanges; the driver takes them out after each call.
    pub finished: Vec<Exchange>,
    /// Messages that could not be made sense of, or whose head was missing; the driver takes the count.
    pub unparsed: u64,
}

/// A protocol's view of one connection.
///
/// It holds what is outstanding and no more: bounded, small (a few hundred bytes when idle), and without an
/// allocation per message until an exchange is finished.
pub trait Conversation {
    /// Reads the next part of what `party` sends.
    fn step(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Step;

    /// The bytes that a [`Step::Skip`] of `party` passed over have gone by; the last at `last`.
    fn skipped(&mut self, party: Party, last: Nanos, context: &mut Context);

    /// Bytes of `party` are missing at this place: `length` of them where that is known. What was being
    /// read of this party is lost; the place after the gap may be anywhere in a message.
    fn gap(&mut self, party: Party, length: Option<u64>, at: Nanos, context: &mut Context);

    /// Said before [`Conversation::gap`] where the bytes were not left out on purpose: their events were lost. Then others may be lost
    /// too, and what `party` said next need not follow on anything that was seen of the other one.
    fn lost(&mut self, _party: Party) {}

    /// Where in `input` a message of `party` may begin, after a gap or [`Step::Lost`]; `None` if nowhere
    /// (the driver then drops all of it and asks again with what comes next).
    fn resync(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Option<usize>;

    /// `party` will send no more. `passed` bytes went by since a [`Step::SkipRest`]. Called once per party; both ends follow one another when the connection
    /// is gone. Exchanges that can no longer complete are finished as [`Outcome::Cut`].
    fn end(&mut self, party: Party, how: CutBy, passed: u64, at: Nanos, context: &mut Context);

    /// It is `now`: what nobody will answer any more is finished as [`Outcome::Cut`] by [`CutBy::TimedOut`], of the party that
    /// should have answered.
    ///
    /// To be called at least once in two seconds as long as [`Conversation::oldest_pending`] is there; calls more
    /// often, or without need, cost next to nothing. `now` is of the clock of [`Input::first`], and never before
    /// an input that was fed already. An exchange that is finished so lasted until `now`. Nothing to do in most protocols:
    /// where a connection is kept, its end tells.
    fn expire(&mut self, now: Nanos, context: &mut Context) {
        let _ = (now, context);
    }

    /// True when the ends of what `party` sends tell what is wanted of it, though its middle was not captured: the last
    /// bytes of every call that goes beyond the budget are then captured as well. They come behind a gap, and so by way of
    /// [`Conversation::resync`]. Asked whenever
    /// something of it was read.
    fn wants_tails(&self, _party: Party) -> bool {
        false
    }

    /// When the oldest exchange without a whole response began, if there is one.
    fn oldest_pending(&self) -> Option<Nanos>;

    /// The request that is answered next, once its head was read: who serves it may have others asked for it. Asked where traces are put
    /// together.
    fn outstanding(&self) -> Option<Outstanding>;

    /// True while what `party` sent is to stay unread until the other one has said more (what follows CONNECT). As soon as that is
    /// over, it is stepped through again without waiting for more. It is asked before and after the other party's steps.
    fn holds(&self, _party: Party) -> bool {
        false
    }

    /// True where a gap in what `party` sends does no harm: the exchange goes on and comes out right, with less
    /// known of it (the rows of a result). The driver does not take such a gap for a sign that the protocol was a
    /// mistake; but it may have more captured of the connection from then on. It is asked before [`Conversation::gap`].
    fn may_miss(&self, _party: Party) -> bool {
        false
    }

    /// What the connection goes by after [`Step::Leave`], where it is counted among those left alone.
    fn left_as(&self) -> &'static str {
        "upgraded"
    }
}
