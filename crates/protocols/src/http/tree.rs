//! One server's path templates; see [`super::routes`].

use model::Text;

use super::segment::{Segment, classify};

/// Different words at one place before they become `{id}`: at the root, where an interface has its
/// resources, and below.
const MOST_AT_ROOT: usize = 128;
const MOST_BELOW: usize = 48;
/// The same for files.
const MOST_FILES: usize = 16;
/// A word that was asked for so often is part of a route, however many others there are.
const KEPT_FROM: u32 = 64;
/// Segments that are told apart.
const MOST_SEGMENTS: usize = 12;
/// Places of one tree.
const MOST_PLACES: usize = 2048;
/// Places that 404 answers may add.
const MOST_UNFOUND: usize = 32;
/// A longer word is a value.
const LONGEST_TEMPLATE: usize = 512;

/// One server's templates.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Place,
    places: usize,
    unfound: usize,
    /// The template of a path that does not fit, built anew each time.
    overflow: Text,
}

/// A place in paths: what stood there, and what came after it.
#[derive(Debug, Default)]
struct Place {
    /// From the root to here, as it stands in a route.
    template: Text,
    /// How often a path came by, up to a bound.
    visits: u32,
    /// Hashes of the words known to follow, in the order of `words`, to be compared in one sweep.
    hashes: Vec<u32>,
    words: Vec<Word>,
    files: usize,
    /// What follows in the place of `{id}` and of `{file}`.
    values: [Option<Box<Place>>; 2],
    /// True when unknown words, or files, are values here.
    learnt: [bool; 2],
}

/// Where a segment leads.
enum Slot {
    /// To this one of `words`.
    Word(usize),
    /// To this one of `values`.
    Value(usize),
}

#[derive(Debug)]
struct Word {
    text: Box<str>,
    file: bool,
    place: Place,
}

/// `{id}` or `{file}`: the place in `values` and `learnt`.
const PLACEHOLDERS: [&str; 2] = ["{id}", "{file}"];

impl Tree {
    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// The template for `path`.
    pub(super) fn template(&mut self, path: &str, found: bool) -> &Text {
        let path = memchr::memchr(b';', path.as_bytes()).map_or(path, |end| &path[..end]);
        let Some(path) = path.strip_prefix('/') else {
            // `*`
            self.overflow = Text::from(if path == "*" { "*" } else { "{rest}" });
            return &self.overflow;
        };
        let Tree { root, places, unfound, overflow } = self;
        let before = *places;
        let bound = if found || *unfound < MOST_UNFOUND { MOST_PLACES } else { 0 };
        let mut place = root;
        for (depth, segment) in path.split('/').enumerate() {
            let slot = if depth < MOST_SEGMENTS { place.slot(segment, depth, places, bound) } else { None };
            place = match slot {
                Some(Slot::Word(word)) => &mut place.words[word].place,
                Some(Slot::Value(placeholder)) => place.value(placeholder),
                None => {
                    overflow.clear();
                    overflow.push_str(&place.template);
                    overflow.push_str("/{rest}");
                    return overflow;
                }
            };
            place.visits = place.visits.saturating_add(1);
        }
        if !found {
            *unfound += places.saturating_sub(before);
        }
        &place.template
    }
}

impl Place {
    /// Where `segment` leads from here, learning it where that is allowed; `None` where it is not.
    fn slot(&mut self, segment: &str, depth: usize, places: &mut usize, bound: usize) -> Option<Slot> {
        if let Some(word) = self.find(segment) {
            return Some(Slot::Word(word));
        }
        let kind = classify(segment);
        let file = matches!(kind, Segment::File | Segment::FileValue);
        let placeholder = usize::from(file);
        if matches!(kind, Segment::Value | Segment::FileValue) || self.learnt[placeholder] {
            if self.values[placeholder].is_none() {
                (*places < bound).then_some(())?;
                *places += 1;
            }
            return Some(Slot::Value(placeholder));
        }
        if *places >= bound || self.template.len() + segment.len() > LONGEST_TEMPLATE {
            return None;
        }
        let (known, most) = match file {
            true => (self.files, MOST_FILES),
            false => (self.words.len() - self.files, if depth == 0 { MOST_AT_ROOT } else { MOST_BELOW }),
        };
        if known >= most {
            self.generalise(file, places);
            return Some(Slot::Value(placeholder));
        }
        *places += 1;
        self.files += usize::from(file);
        self.hashes.push(hash(segment));
        self.words.push(Word { text: segment.into(), file, place: Place::below(&self.template, segment) });
        Some(Slot::Word(self.words.len() - 1))
    }

    /// What follows in the place of a value.
    fn value(&mut self, placeholder: usize) -> &mut Place {
        let template = &self.template;
        self.values[placeholder]
            .get_or_insert_with(|| Box::new(Place::below(template, PLACEHOLDERS[placeholder])))
    }

    fn below(template: &str, segment: &str) -> Self {
        let mut text = Text::from(template);
        text.push_str("/");
        text.push_str(segment);
        Place { template: text, ..Place::default() }
    }

    fn find(&self, segment: &str) -> Option<usize> {
        let wanted = hash(segment);
        let mut from = 0;
        while let Some(place) = self.hashes[from..].iter().position(|hash| *hash == wanted) {
            if *self.words[from + place].text == *segment {
                return Some(from + place);
            }
            from += place + 1;
        }
        None
    }

    /// Turns the words (or files) at this place into values, except those asked for again and again. What
    /// was known to follow them is learnt again, behind the placeholder.
    fn generalise(&mut self, files: bool, places: &mut usize) {
        let placeholder = usize::from(files);
        self.learnt[placeholder] = true;
        let before = self.size();
        self.words.retain(|word| word.file != files || word.place.visits >= KEPT_FROM);
        self.hashes = self.words.iter().map(|word| hash(&word.text)).collect();
        self.files = self.words.iter().filter(|word| word.file).count();
        self.value(placeholder);
        *places = (*places + self.size()).saturating_sub(before);
    }

    /// Places at and below this one. The depth is bounded, so this may recurse.
    fn size(&self) -> usize {
        let words = self.words.iter().map(|word| &word.place);
        1 + words.chain(self.values.iter().flatten().map(Box::as_ref)).map(Place::size).sum::<usize>()
    }
}

/// FNV-1a: segments are short.
fn hash(segment: &str) -> u32 {
    segment.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::http::Routes;

    /// Asks for all of `paths`, and expects these templates in the end.
    #[track_caller]
    fn check(taught: impl IntoIterator<Item = String>, expected: &[(&str, &str)]) {
        let mut routes = Routes::default();
        for path in taught {
            routes.template(1, &path, true);
        }
        for (path, template) in expected {
            assert_eq!(routes.template(1, path, true), template, "{path}");
        }
    }

    #[test]
    fn at_once() {
        check(
            [],
            &[
                ("/", "/"),
                ("/users", "/users"),
                ("/users/", "/users/"),
                ("/users/7", "/users/{id}"),
                ("/users/7/orders/550e8400-e29b-41d4-a716-446655440000", "/users/{id}/orders/{id}"),
                ("/static/app.3f2a9c1b.js", "/static/{file}"),
                ("/static/index.html", "/static/index.html"),
                ("/login;jsessionid=12345", "/login"),
                ("//a", "//a"),
                ("*", "*"),
                ("nonsense", "{rest}"),
            ],
        );
    }

    #[test]
    fn learnt() {
        let names = || {
            (0..60u8).map(|n| format!("/users/{}{}", char::from(b'a' + n % 26), char::from(b'a' + n / 26)))
        };
        check(
            names(),
            &[("/users/zz", "/users/{id}"), ("/users/aa", "/users/{id}"), ("/users/zz/x", "/users/{id}/x")],
        );
        // What is asked for often stays.
        let often = (0..100).map(|_| "/users/me".to_owned());
        check(often.chain(names()), &[("/users/me", "/users/me"), ("/users/aa", "/users/{id}")]);
        let files = (0..30u8).map(|n| format!("/static/{}.css", char::from(b'a' + n)));
        check(files, &[("/static/x.css", "/static/{file}"), ("/static/fonts", "/static/fonts")]);
    }

    #[test]
    fn too_deep() {
        check([], &[("/a/b/c/d/e/f/g/h/i/j/k/l/m/n", "/a/b/c/d/e/f/g/h/i/j/k/l/{rest}")]);
    }

    #[test]
    fn not_found_teaches_little() {
        let mut routes = Routes::default();
        let word = |n: u32| {
            format!("/{}", (0..4).map(|k| char::from(b'a' + (n >> (4 * k) & 15) as u8)).collect::<String>())
        };
        for n in 0..10_000 {
            routes.template(1, &word(n), false);
        }
        assert!(routes.places() < 100, "{}", routes.places());
        assert_eq!(routes.template(1, "/login", true), "/login");
        assert_eq!(routes.template(1, "/new", false), "/{rest}");
    }

    #[test]
    fn many_paths_stay_few() {
        let mut routes = Routes::default();
        let mut templates = HashSet::new();
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        for _ in 0..100_000 {
            let path: String = (0..=random() % 6)
                .map(|_| {
                    format!(
                        "/{}",
                        (0..=random() % 9)
                            .map(|_| char::from(b'a' + (random() % 26) as u8))
                            .collect::<String>()
                    )
                })
                .collect();
            templates.insert(routes.template(random() % 3, &path, true).clone());
        }
        assert!(routes.places() <= 3 * 2049, "{}", routes.places());
        assert!(templates.len() <= 3 * 6000, "{}", templates.len());
        // And few of them late.
        let known = templates.len();
        for n in 0..100_000 {
            templates.insert(routes.template(n % 3, &format!("/x{n}/y{}/z", n * 7), true).clone());
        }
        assert!(templates.len() - known < 100, "{}", templates.len() - known);
    }

    #[test]
    fn many_servers() {
        let mut routes = Routes::default();
        for server in 0..10_000 {
            routes.template(server, "/some/path", true);
        }
        assert!(routes.places() < 20_000, "{}", routes.places());
    }
}
