//! Drives a conversation over one party's direction, by the rules of [`protocols::contract`].

use model::{Nanos, Party};
use protocols::{AnyConversation, Context, Conversation, Input, Step};
use streams::Piece;

/// Bytes that are kept of a message that is not whole. A head that is longer is taken for garbage.
const LONGEST_HEAD: usize = 64 * 1024;
/// Room for unread bytes that is given back when little of it is used.
const LARGE: usize = 4096;

/// What a direction has that its conversation has not read.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// Bytes of a part that is not whole yet.
    pub(crate) bytes: Vec<u8>,
    /// When the first of them was seen.
    pub(crate) first: Nanos,
    /// The first of them began a run.
    pub(crate) run_start: bool,
    /// Bytes to pass over before the next part.
    skip: u64,
    /// All that follows is passed over: so many bytes so far.
    rest: Option<u64>,
    /// The place is anywhere in a message: look for a beginning first.
    astray: bool,
    /// Bytes behind `bytes` that were not kept, while there was no conversation yet.
    unkept: u64,
    /// How far into its run this direction is.
    run: u64,
    /// How far into its run the last part that was read (and not passed over) reached.
    reach: u64,
    /// Where the next byte stands that comes; of what is kept until there is a conversation, where the first one does.
    pub(crate) position: u32,
    /// Bytes of the last gap that were not to be passed over.
    missing: u64,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Go on.
    Fine,
    /// Part of a message's head was missing, or made no sense.
    Stumbled,
    /// Bytes were missing where the conversation can do without them.
    Blurred,
    /// The connection speaks another protocol from here on.
    Left,
    /// The same, and it is to be found out which.
    Switched,
}

impl Unread {
    /// A run begins, of which the first byte was seen at `first`.
    pub(crate) fn begin_run(&mut self, first: Nanos, position: u32) {
        *self = Unread { first, position, run_start: true, ..Unread::default() };
    }

    /// A direction whose first bytes may lie anywhere in a message.
    pub(crate) fn begin_astray(&mut self) {
        self.astray = true;
    }

    /// Where the next byte belongs is not known.
    pub(crate) fn is_astray(&self) -> bool {
        self.astray || self.skip > 0 || self.rest.is_some()
    }

    /// Forgets all but what was not read, as if that began a run.
    pub(crate) fn anew(&mut self) {
        let Unread { bytes, first, position, unkept, .. } = std::mem::take(self);
        let position = position.wrapping_sub(bytes.len() as u32);
        *self = Unread { bytes, first, position, unkept, run_start: true, ..Unread::default() };
    }

    /// Keeps the beginning of a run, at most `limit` bytes, until there is a conversation. Returns the bytes that follow on
    /// those that are kept; `None` when there is nothing new to look at.
    pub(crate) fn keep<'a>(&mut self, piece: Piece<'a>, limit: usize) -> Option<&'a [u8]> {
        match piece {
            Piece::Bytes(bytes) if self.unkept == 0 => {
                let (kept, rest) = bytes.split_at(bytes.len().min(limit.saturating_sub(self.bytes.len())));
                self.bytes.extend_from_slice(kept);
                self.unkept = rest.len() as u64;
                (!kept.is_empty()).then_some(rest)
            }
            Piece::Bytes(bytes) => {
                self.unkept += bytes.len() as u64;
                None
            }
            Piece::Hidden(length) | Piece::Lost(length) => {
                self.unkept += length;
                None
            }
        }
    }

    /// True when anything was seen of the run.
    pub(crate) fn has_any(&self) -> bool {
        !self.bytes.is_empty() || self.unkept > 0
    }

    /// Gives the conversation what was kept before there was one, and the `rest` that is at hand of what was not; the last of
    /// it was seen at `last`.
    pub(crate) fn replay(
        &mut self,
        kept: &Unread,
        rest: &[u8],
        conversation: &mut AnyConversation,
        party: Party,
        last: Nanos,
        context: &mut Context,
    ) -> Progress {
        let mut progress = Progress::Fine;
        self.position = kept.position;
        if !kept.bytes.is_empty() {
            progress = self.between(conversation, party, &kept.bytes, (kept.first, last), true, context);
        }
        if progress == Progress::Left || kept.unkept == 0 {
            return progress;
        }
        if progress == Progress::Switched {
            match kept.unkept == rest.len() as u64 {
                true => self.bytes.extend_from_slice(rest),
                false => self.unkept = kept.unkept,
            }
            return progress;
        }
        if kept.unkept == rest.len() as u64 {
            self.bytes(conversation, party, rest, last, false, context)
        } else {
            self.gap(conversation, party, (kept.unkept, false), last, context)
        }
    }

    /// More of what `party` sends.
    pub(crate) fn bytes(
        &mut self,
        conversation: &mut AnyConversation,
        party: Party,
        data: &[u8],
        time: Nanos,
        run_start: bool,
        context: &mut Context,
    ) -> Progress {
        self.between(conversation, party, data, (time, time), run_start, context)
    }

    /// The same for bytes that were seen between two times.
    fn between(
        &mut self,
        conversation: &mut AnyConversation,
        party: Party,
        mut data: &[u8],
        (first, time): (Nanos, Nanos),
        run_start: bool,
        context: &mut Context,
    ) -> Progress {
        if run_start {
            (self.run, self.reach) = (0, 0);
        }
        self.run += data.len() as u64;
        self.position = self.position.wrapping_add(data.len() as u32);
        if let Some(passed) = &mut self.rest {
            *passed += data.len() as u64;
            return Progress::Fine;
        }
        if self.skip > 0 {
            let skipped = self.skip.min(data.len() as u64);
            self.skip -= skipped;
            data = &data[skipped as usize..];
            if self.skip > 0 {
                return Progress::Fine;
            }
            conversation.skipped(party, time, context);
        }
        if data.is_empty() {
            return Progress::Fine;
        }
        let mut progress = Progress::Fine;
        if self.bytes.is_empty() {
            let read = self.read(conversation, party, data, (first, time, run_start), context, &mut progress);
            let left = &data[read..];
            if !left.is_empty() && progress != Progress::Left {
                self.bytes.extend_from_slice(left);
                self.first = if read == 0 { first } else { time };
                self.run_start = run_start && read == 0;
            }
        } else {
            let mut whole = std::mem::take(&mut self.bytes);
            whole.extend_from_slice(data);
            let times = (self.first, time, self.run_start);
            let read = self.read(conversation, party, &whole, times, context, &mut progress);
            whole.drain(..read);
            if read > 0 {
                self.first = time;
                self.run_start = false;
            }
            if !whole.is_empty() {
                if whole.capacity() > LARGE && whole.len() < whole.capacity() / 4 {
                    whole.shrink_to_fit();
                }
                self.bytes = whole;
            }
        }
        if self.bytes.len() > LONGEST_HEAD && progress != Progress::Switched {
            self.bytes = Vec::new();
            self.lose(conversation, party, None, time, context);
            return Progress::Stumbled;
        }
        progress
    }

    /// What is kept may be read by now, though no more came.
    #[cold]
    pub(crate) fn again(
        &mut self,
        conversation: &mut AnyConversation,
        party: Party,
        context: &mut Context,
    ) -> Progress {
        let mut progress = Progress::Fine;
        let mut kept = std::mem::take(&mut self.bytes);
        if !kept.is_empty() && self.skip == 0 && self.rest.is_none() {
            let times = (self.first, self.first, self.run_start);
            let read = self.read(conversation, party, &kept, times, context, &mut progress);
            kept.drain(..read);
            self.run_start &= read == 0;
        }
        self.bytes = kept;
        progress
    }

    /// Bytes of memory that are kept for bytes which nobody read yet.
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Gives up what is kept, because too much is in all; returns how many bytes that were.
    pub(crate) fn shed(
        &mut self,
        conversation: Option<(&mut AnyConversation, Party)>,
        time: Nanos,
        context: &mut Context,
    ) -> u64 {
        let bytes = std::mem::take(&mut self.bytes).len() as u64;
        match conversation {
            Some((conversation, party)) if bytes > 0 => {
                self.lose(conversation, party, Some(bytes), time, context);
            }
            Some(_) => {}
            None => self.unkept += bytes,
        }
        bytes
    }

    /// Bytes that the last gap had and that were not to be passed over.
    pub(crate) fn missing(&self) -> u64 {
        self.missing
    }

    /// How far into its run the last part that was read, and not passed over, reached.
    pub(crate) fn reach(&self) -> u64 {
        self.reach
    }

    /// Bytes that were passed over since the conversation was done with this direction.
    pub(crate) fn passed(&self) -> u64 {
        self.rest.unwrap_or(0)
    }

    /// `length` bytes of what `party` sends are not there; `lost`, where that is not on purpose.
    pub(crate) fn gap(
        &mut self,
        conversation: &mut AnyConversation,
        party: Party,
        (length, lost): (u64, bool),
        time: Nanos,
        context: &mut Context,
    ) -> Progress {
        self.run += length;
        if let Some(passed) = &mut self.rest {
            *passed += length;
            return Progress::Fine;
        }
        let skipped = self.skip.min(length);
        self.skip -= skipped;
        self.missing = length - skipped;
        if skipped > 0 && self.skip == 0 {
            conversation.skipped(party, time, context);
        }
        if length == skipped {
            return Progress::Fine;
        }
        self.bytes.clear();
        // More of the same gap: the rest of a long answer comes in many pieces, none of which is shown.
        let known = self.astray;
        if lost {
            conversation.lost(party);
        }
        self.lose(conversation, party, Some(length - skipped), time, context);
        if known { Progress::Fine } else { Progress::Stumbled }
    }

    fn lose(
        &mut self,
        conversation: &mut AnyConversation,
        party: Party,
        length: Option<u64>,
        time: Nanos,
        context: &mut Context,
    ) {
        self.astray = true;
        conversation.gap(party, length, time, context);
    }

    /// Reads part after part; returns how many bytes are done with.
    fn read(
        &mut self,
        conversation: &mut AnyConversation,
        party: Party,
        data: &[u8],
        (first, last, run_start): (Nanos, Nanos, bool),
        context: &mut Context,
        progress: &mut Progress,
    ) -> usize {
        let mut at = 0;
        // `data` ends where the run is now.
        let begin = self.run.saturating_sub(data.len() as u64);
        let position = self.position.wrapping_sub(data.len() as u32);
        while at < data.len() {
            let begins = at == 0;
            let input = Input {
                bytes: &data[at..],
                first: if begins { first } else { last },
                last,
                position: position.wrapping_add(at as u32),
                run_start: begins && run_start,
                datagram: false,
            };
            let sought = self.astray;
            if self.astray {
                let Some(start) = conversation.resync(party, input, context) else { return data.len() };
                self.astray = false;
                at += start.min(data.len() - at);
                if start > 0 {
                    continue;
                }
            }
            match conversation.step(party, input, context) {
                Step::NeedMore => break,
                Step::Read(read) => {
                    at += read.clamp(1, data.len() - at);
                    self.reach = begin + at as u64;
                }
                Step::Skip { read, skip } => {
                    at += read.min(data.len() - at);
                    self.reach = begin + at as u64;
                    let here = skip.min((data.len() - at) as u64);
                    at += here as usize;
                    self.skip = skip - here;
                    if self.skip == 0 {
                        conversation.skipped(party, last, context);
                    }
                }
                Step::SkipRest(read) => {
                    self.rest = Some((data.len() - at - read.min(data.len() - at)) as u64);
                    return data.len();
                }
                Step::Leave(_) => {
                    *progress = Progress::Left;
                    return data.len();
                }
                Step::LookAgain(read) => {
                    self.astray = sought && read == 0;
                    *progress = Progress::Switched;
                    return at + read.min(data.len() - at);
                }
                Step::Lost => {
                    *progress = Progress::Stumbled;
                    self.astray = true;
                    // A byte further at least, so that the same bytes are not refused again and again.
                    at += 1;
                }
            }
        }
        at
    }
}
