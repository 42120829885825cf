//! Requests and spans of a trace, of one host or several, put together as trees.
//!
//! Within a host the joiner has said who brought what about. Between hosts a server's record finds its client's by what both know: the client's address
//! and port, and the TCP sequence number of the request's first byte; else by the header that went along. Spans that programs sent say
//! themselves who asked for them. Hosts' clocks differ: by how much follows from the exchange itself, which lasts no longer where it is
//! served than where it was asked for.

mod index;
mod offsets;

use model::trace::Evidence;

use self::index::Index;

/// A request as one of its ends saw it, or a span that a program sent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Part<'a> {
    /// The host that saw it.
    pub host: Option<&'a str>,
    /// The end that saw it.
    pub side: Side,
    /// When it began, by that host's clock: nanoseconds since 1970-01-01 UTC.
    pub begin: i64,
    /// How long it took: nanoseconds.
    pub length: i64,
    /// What both ends of an exchange agree about, as far as it is known: protocol, method, path.
    pub asked: [Option<&'a str>; 3],
    /// The id of a program's span; none for a request.
    pub span: Option<&'a str>,
    /// The span that brought it about, as was said in a header, or by its program.
    pub asked_by: Option<&'a str>,
    /// Where the joiner of its host put it.
    pub place: Option<Place>,
    /// Where it was on the wire.
    pub wire: Option<Wire<'a>>,
}

/// The end that saw something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Side {
    /// The one that asked.
    Client,
    /// The one that answered.
    Server,
    /// Neither, or it is not known.
    #[default]
    Neither,
}

/// A place within a host's trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The trace.
    pub trace: i64,
    /// The number within it.
    pub number: i64,
    /// Who brought it about, and how that is known.
    pub parent: Option<(i64, Evidence)>,
}

/// A place on the wire, which both ends know unless somebody between them translates addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wire<'a> {
    /// The client's address.
    pub address: &'a str,
    /// Its port.
    pub port: u16,
    /// The TCP sequence number of the request's first byte.
    pub sequence: u32,
}

/// A part in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Who brought it about, by its place among the parts that were given, and how that is known.
    pub parent: Option<(usize, Link)>,
    /// What is to be added to its time so that it fits the others of its tree: nanoseconds.
    pub offset: i64,
}

/// How it is known who brought something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It was found out, or told on the wire.
    Found(Evidence),
    /// The program that sent the span says so.
    Said,
}

impl Link {
    /// One word: `sequence`; `span` where a program says so.
    pub fn as_str(self) -> &'static str {
        match self {
            Link::Found(evidence) => evidence.as_str(),
            Link::Said => "span",
        }
    }
}

/// Puts parts together: for each, who brought it about, and its clock's difference. Where a join is not certain there is none, and nobody
/// brings about himself.
pub fn assemble(parts: &[Part<'_>]) -> Vec<Node> {
    let index = Index::of(parts);
    let mut parents: Vec<Option<(usize, Link)>> =
        (0..parts.len()).map(|at| index.parent(at).filter(|(parent, _)| *parent != at)).collect();
    cut_cycles(&mut parents);
    let offsets = offsets::offsets(parts, &parents);
    parents.into_iter().zip(offsets).map(|(parent, offset)| Node { parent, offset }).collect()
}

/// Where what is told goes round in a circle, it is cut.
fn cut_cycles(parents: &mut [Option<(usize, Link)>]) {
    /// What is known of a part: nothing; that it is on the way that is being followed; that its way ends.
    #[derive(Clone, Copy, PartialEq)]
    enum Known {
        No,
        OnTheWay,
        Ends,
    }
    let mut known = vec![Known::No; parents.len()];
    for first in 0..parents.len() {
        let (mut way, mut at) = (Vec::new(), first);
        while known[at] == Known::No {
            known[at] = Known::OnTheWay;
            way.push(at);
            match parents[at] {
                Some((parent, _)) if known[parent] == Known::OnTheWay => parents[at] = None,
                Some((parent, _)) => at = parent,
                None => {}
            }
        }
        way.into_iter().for_each(|at| known[at] = Known::Ends);
    }
}
