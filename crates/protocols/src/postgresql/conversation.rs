use model::{Nanos, Party, Text};

use super::backend;
use super::frames::Frames;
use super::prepared::{Names, Prepared};
use super::record::{Asked, Event, Preparation};
use crate::pairing::Queue;
use crate::{Context, CutBy, Half, Input, Outstanding, Step};

/// PostgreSQL on one connection.
///
/// What the server says is gathered until it ends something: a statement, or all that was asked. These events are matched
/// with what is outstanding, in order. One that comes while nothing is outstanding is held: it belongs to the next request
/// if that began no later (and a little slack). Else its request was not seen, and it is counted as unparsed.
#[derive(Debug, Default)]
pub struct Conversation {
    client: Frames,
    /// The client's message that is being read.
    asking: Half,
    /// Where its bytes are counted.
    counted: Counted,
    /// Bytes of the client's message that go by, to be counted when they did.
    asking_passes: u64,
    /// Bytes, after a gap, up to the client's next message.
    resume: Option<u64>,
    /// The client said something with a type: no start-up comes any more.
    begun: bool,
    /// Encryption was asked for, and is not answered.
    negotiating: bool,
    /// What the connection is once it is left alone.
    left_as: Option<&'static str>,
    /// What was sent of an extended query since the last Execute or Sync.
    preparation: Preparation,
    /// There was an Execute since the last Sync.
    executed: bool,
    pending: Queue<Asked>,

    server: Frames,
    /// What the server said since the last event.
    answering: Half,
    /// Rows in it.
    rows: u64,
    /// Parse and Close that it answers.
    confirmed: u64,
    /// Bytes of it were not seen.
    torn: bool,
    /// The server's message that is being read counts as part of an answer.
    counts: bool,
    /// What it says, once the rest of it went by.
    held: Option<backend::Message>,
    answering_passes: u64,
    early: Queue<Event>,
    /// Ends of answers to come whose requests were dropped.
    owed: u64,
    /// The server skips what comes before the next Sync.
    failed: bool,
    /// The client sends the data of a COPY.
    copying: bool,
    /// Answers may have been missed: what is outstanding when the client goes on was answered.
    missed: bool,
    /// Events were lost among them, and so perhaps requests too: whose answer an end is, is not known.
    lost: bool,
    /// What is missing of the client was lost.
    losing: bool,
    /// The last that the server said is that it waits for a request.
    idle: bool,
    /// When it said something to the end.
    heard: Nanos,
    /// The client was seen to ask again before it had its answer.
    overlaps: bool,

    statements: Prepared,
    portals: Names,
    namespace: Option<Text>,
    /// Backslashes are escapes in plain strings, once the server told.
    backslashes: Option<bool>,
    /// Who ended first, and how.
    ended: Option<(Party, CutBy)>,
    /// [`Step::Lost`] was returned for the head of this direction: nothing begins there.
    refused: [bool; 2],
}

/// Whose bytes a client's message is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Counted {
    #[default]
    Nowhere,
    Preparation,
    /// The request that was asked last.
    Latest,
}

impl crate::Conversation for Conversation {
    fn step(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Step {
        let step = match party {
            Party::Client => self.read_client(input, context),
            Party::Server => self.read_server(input, context),
        };
        if step == Step::Lost {
            self.lose(party, context);
            self.refused[party.index()] = true;
        }
        step
    }

    fn skipped(&mut self, party: Party, last: Nanos, context: &mut Context) {
        match party {
            Party::Client => {
                let passed = std::mem::take(&mut self.asking_passes);
                self.count(passed, last);
            }
            Party::Server => {
                let passed = std::mem::take(&mut self.answering_passes);
                self.count_answer(passed, last);
                if let Some(message) = self.held.take() {
                    self.said(message, context);
                }
            }
        }
    }

    fn gap(&mut self, party: Party, length: Option<u64>, at: Nanos, context: &mut Context) {
        match party {
            Party::Client => {
                self.client_gap(length, at, context);
                self.losing = false;
            }
            Party::Server => self.server_gap(length, at, context),
        }
    }

    fn lost(&mut self, party: Party) {
        match party {
            Party::Client => self.losing = true,
            Party::Server => self.lost = true,
        }
    }

    fn resync(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Option<usize> {
        let refused = std::mem::take(&mut self.refused[party.index()]);
        match party {
            Party::Client => self.find_request(input, refused, context),
            Party::Server => self.find_answer(input, refused),
        }
    }

    fn end(&mut self, party: Party, how: CutBy, _passed: u64, _at: Nanos, context: &mut Context) {
        self.party_ended(party, how, context);
    }

    /// What became of a statement stands behind its rows, however many these are.
    fn wants_tails(&self, party: Party) -> bool {
        party == Party::Server
    }

    fn left_as(&self) -> &'static str {
        self.left_as.unwrap_or("upgraded")
    }

    fn outstanding(&self) -> Option<Outstanding> {
        let seen = self.pending.front().filter(|asked| !asked.kind.is_unseen());
        seen.map(|asked| Outstanding::from(&asked.half))
    }

    fn oldest_pending(&self) -> Option<Nanos> {
        let seen = self.pending.front().filter(|asked| !asked.kind.is_unseen());
        let outstanding = seen.map(|asked| asked.half.first);
        outstanding.or((self.preparation.half.bytes > 0).then_some(self.preparation.half.first))
    }
}

mod answering;
mod asking;
mod ends;
mod reading;
#[cfg(test)]
mod tests;
mod unseen;
