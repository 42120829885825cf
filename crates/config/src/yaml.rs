//! YAML as a tree whose every node knows its place.
//!
//! Settings need a small part of YAML: maps, lists and scalars. What would let a short file mean a large or a
//! surprising thing (anchors, aliases, tags, several documents) is refused.

use granit_parser::{Event, Parser, ScalarStyle, Span, options};

use crate::problem::{Place, Problem, Problems};

/// Deepest nesting of maps and lists; settings need four.
const DEEPEST: usize = 16;

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Scalar(String),
    /// No value: nothing at all, `~` or `null`, without quotes.
    Nothing,
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// What was refused already.
    Refused,
}

/// A key of a map with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

/// Reads a text; `None` when it holds no more than comments. A tree comes with what is wrong with it.
pub(crate) fn parse(text: &str) -> (Option<Node>, Problems) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = options! { flow_nesting_limit: DEEPEST, block_nesting_limit: DEEPEST, disallow_directives: true,
    emit_unresolved_aliases: true };
    let mut tree = Tree::default();
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => tree.event(event, span),
            Err(error) => {
                let marker = error.marker();
                let place = place(marker.line(), marker.col());
                tree.problems.push(explained(text, place, &error.info()));
                // What follows is not known to mean what it seems to.
                return (None, tree.problems);
            }
        }
    }
    (tree.root, tree.problems)
}

/// A parser's complaint; a tab is the usual reason, and the least visible one.
fn explained(text: &str, place: Place, complaint: &str) -> Problem {
    let number = usize::try_from(place.line).unwrap_or(usize::MAX);
    // The parser may notice a line before or after.
    for line in [number, number.saturating_add(1), number.saturating_sub(1)] {
        let Some(content) = line.checked_sub(1).and_then(|index| text.lines().nth(index)) else { continue };
        let indentation = content.len() - content.trim_start().len();
        if let Some(tab) = content[..indentation].chars().position(|c| c == '\t') {
            let place = Place { line: u32::try_from(line).unwrap_or(u32::MAX), ..self::place(line, tab) };
            return Problem::at(place, "a tab in the indentation: YAML takes only spaces there");
        }
    }
    if complaint.contains("nesting") || complaint.contains("recursion") {
        return Problem::at(place, format!("nested deeper than {DEEPEST} levels"));
    }
    Problem::at(place, format!("no valid YAML: {complaint}"))
}

/// The parser counts lines from 1, columns from 0.
fn place(line: usize, column: usize) -> Place {
    let whole = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Place { line: whole(line.max(1)), column: whole(column.saturating_add(1)) }
}

#[derive(Default)]
struct Tree {
    root: Option<Node>,
    documents: usize,
    open: Vec<Open>,
    problems: Problems,
}

/// A map or list that has not ended.
struct Open {
    place: Place,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    /// The key that waits for its value: `Some(None)` when it is no scalar.
    Map(Vec<Entry>, Option<Option<(String, Place)>>),
}

impl Tree {
    fn event(&mut self, event: Event<'_>, span: Span) {
        let at = place(span.start.line(), span.start.col());
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents == 2 {
                    self.problems.push(Problem::at(at, "a second document: put all settings into one"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let fine = self.plain(at, anchor, tag.is_some());
                let nothing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let content = match fine {
                    true if nothing => Content::Nothing,
                    true => Content::Scalar(text.into_owned()),
                    false => Content::Refused,
                };
                self.node(Node { place: at, content });
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.problems.push(Problem::at(at, "aliases (*name) are not taken: write the value out"));
                self.node(Node { place: at, content: Content::Refused });
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.plain(at, anchor, tag.is_some());
                self.open.push(Open { place: at, kind: OpenKind::List(Vec::new()) });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.plain(at, anchor, tag.is_some());
                self.open.push(Open { place: at, kind: OpenKind::Map(Vec::new(), None) });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let content = match open.kind {
                        OpenKind::List(nodes) => Content::List(nodes),
                        OpenKind::Map(entries, _) => Content::Map(entries),
                    };
                    self.node(Node { place: open.place, content });
                }
            }
            _ => {}
        }
    }

    /// False when a node has an anchor or a tag.
    fn plain(&mut self, at: Place, anchor: usize, tagged: bool) -> bool {
        if anchor != 0 {
            self.problems.push(Problem::at(at, "anchors (&name) are not taken: write the value out"));
        }
        if tagged {
            self.problems.push(Problem::at(at, "tags (!name) are not taken: leave it out"));
        }
        anchor == 0 && !tagged
    }

    /// A whole node: it belongs to what is open.
    fn node(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            if self.documents <= 1 {
                self.root = Some(node);
            }
            return;
        };
        match &mut open.kind {
            OpenKind::List(nodes) => nodes.push(node),
            OpenKind::Map(entries, waiting) => match waiting.take() {
                None => {
                    *waiting = Some(match node.content {
                        Content::Scalar(text) => Some((text, node.place)),
                        Content::Refused => None,
                        _ => {
                            self.problems.push(Problem::at(node.place, "a key has to be a word"));
                            None
                        }
                    });
                }
                Some(None) => {}
                Some(Some((key, place))) => entries.push(Entry { key, place, value: node }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        parse(text).1.to_string()
    }

    #[test]
    fn places_count_from_one() {
        let (root, problems) = parse("# first\na:\n  - x\n  - \"y\"\nb: ~\n");
        assert!(problems.is_empty(), "{problems}");
        let Content::Map(entries) = root.expect("a map").content else { panic!("no map") };
        let [a, b] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((a.key.as_str(), a.place), ("a", Place { line: 2, column: 1 }));
        let Content::List(items) = &a.value.content else { panic!("no list") };
        assert_eq!(items[1].place, Place { line: 4, column: 5 });
        assert_eq!(items[1].content, Content::Scalar("y".into()));
        assert_eq!(b.value.content, Content::Nothing);
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            (
                "a: &x 1\nb: *x\n",
                "1:7: anchors (&name) are not taken: write the value out\n2:4: aliases (*name) are not taken: write the value out",
            ),
            ("a: *nobody\n", "1:4: aliases (*name) are not taken: write the value out"),
            ("a: !!str 1\n", "1:10: tags (!name) are not taken: leave it out"),
            ("a: 1\n---\nb: 2\n", "2:1: a second document: put all settings into one"),
            ("[a]: 1\n", "1:1: a key has to be a word"),
            ("a:\n\tb: 1\n", "2:1: a tab in the indentation: YAML takes only spaces there"),
            ("a:\n  b: 1\n\tc: 1\n", "3:1: a tab in the indentation: YAML takes only spaces there"),
        ];
        for (text, expected) in cases {
            assert_eq!(problems(text), expected, "{text:?}");
        }
        for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
            assert!(problems(&deep).ends_with("nested deeper than 16 levels"), "{}", problems(&deep));
        }
        for broken in ["a: [1", "a: 'x", "a: b: c", "a: \"\\q\"", "%YAML 9.9\n---\na: 1", "a: \u{0}"] {
            assert!(problems(broken).contains("no valid YAML: "), "{broken:?}: {}", problems(broken));
        }
    }

    #[test]
    fn nothing_is_nothing() {
        for text in ["", "\n\n", "# a comment\n", "\u{feff}"] {
            let (root, problems) = parse(text);
            assert!(problems.is_empty(), "{text:?}: {problems}");
            assert!(root.is_none_or(|root| root.content == Content::Nothing), "{text:?}");
        }
    }
}
