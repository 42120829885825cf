//! A filter as people write it: `service = shop and duration > 50ms and not name ^= "GET /health"`.
//!
//! ```text
//! filter = some *( "or" some )
//! some   = one *( [ "and" ] one )
//! one    = "not" one / "(" filter ")" / field "exists" / field [ "not" ] "in" "(" value *( "," value ) ")" / field operator value
//! operator = "=" / "!=" / "<" / "<=" / ">" / ">=" / "^="          ; the last: begins with
//! ```
//!
//! A field is a column's name, `attributes.` and a name, or one of the short names of [`SHORT`]. A value with anything in it but letters, digits
//! and `_ . : / @ { } ? % + * -` stands in quotes. Durations have a unit, or are seconds; sizes may have one.

use super::{Filter, Invalid, Value};
use crate::{Kind, Table};

/// Short names of fields, where a table has no column of that name itself.
pub const SHORT: &[(&str, &str)] = &[
    ("service", "service.name"),
    ("host", "host.name"),
    ("protocol", "network.protocol.name"),
    ("error", "error.type"),
    ("operation", "name"),
    ("pid", "process.pid"),
    ("path", "url.path"),
    ("route", "http.route"),
    ("method", "http.request.method"),
    ("code", "http.response.status_code"),
    ("query", "db.query.summary"),
    ("statement", "db.query.text"),
    ("connection", "weir.connection"),
    ("waiting", "weir.waiting"),
    ("request.size", "weir.request.size"),
    ("response.size", "weir.response.size"),
    ("client.address", "weir.client.address"),
    ("client.port", "weir.client.port"),
    ("server.port", "weir.server.port"),
    ("trace", "trace_id"),
];

/// `ok` or `error`: a field that no table has, for whether there is an `error.type`.
const STATUS: &str = "status";
/// How deep parentheses may lie in one another.
const DEEPEST: usize = 32;

impl Table {
    /// The field that is meant by a name, short or whole.
    pub fn field_named(self, name: &str) -> Option<&str> {
        if self.field(name).is_some() {
            return Some(name);
        }
        let (_, whole) = SHORT.iter().find(|(short, _)| *short == name)?;
        self.field(whole).map(|_| *whole)
    }
}

impl Filter {
    /// Reads a filter on rows of `table`; nothing but spaces is every row.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn parse(table: Table, text: &str) -> Result<Filter, Invalid> {
        let mut parser = Parser { table, rest: text, text, depth: 0 };
        if parser.peek()? == Token::End {
            return Ok(Filter::All);
        }
        let filter = parser.filter()?;
        match parser.next()? {
            Token::End => Ok(filter),
            other => parser.wrong(&format!("{} is too much", other.shown())),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token<'a> {
    /// A name, keyword, number or bare value.
    Word(&'a str),
    Quoted(String),
    Operator(&'a str),
    End,
}

impl Token<'_> {
    fn shown(&self) -> String {
        match self {
            Token::Word(text) | Token::Operator(text) => format!("`{text}`"),
            Token::Quoted(text) => format!("\"{text}\""),
            Token::End => "the end".into(),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self, Token::Word(found) if found.eq_ignore_ascii_case(word))
    }
}

struct Parser<'a> {
    table: Table,
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || "_.:/@{}?%+*-".contains(letter)
}

impl<'a> Parser<'a> {
    fn wrong<T>(&self, why: &str) -> Result<T, Invalid> {
        let at = self.text.len() - self.rest.len();
        let before: String =
            self.text[..at].chars().rev().take(24).collect::<Vec<_>>().into_iter().rev().collect();
        let place =
            if before.trim().is_empty() { String::new() } else { format!(" (behind `{}`)", before.trim()) };
        Err(Invalid { part: "filter", why: format!("{why}{place}") })
    }

    fn token(&self) -> Result<(Token<'a>, &'a str), Invalid> {
        let rest = self.rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok((Token::End, rest)) };
        if first == '"' || first == '\'' {
            let mut value = String::new();
            let mut letters = rest[1..].char_indices();
            while let Some((at, letter)) = letters.next() {
                match letter {
                    '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
                    _ if letter == first => return Ok((Token::Quoted(value), &rest[at + 2..])),
                    _ => value.push(letter),
                }
            }
            return self.wrong("a quote is not closed");
        }
        for operator in ["!=", "<=", ">=", "^=", "=", "<", ">", "(", ")", ","] {
            if let Some(behind) = rest.strip_prefix(operator) {
                return Ok((Token::Operator(&rest[..operator.len()]), behind));
            }
        }
        let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        if end == 0 {
            return self.wrong(&format!("`{first}` stands in quotes or not at all"));
        }
        Ok((Token::Word(&rest[..end]), &rest[end..]))
    }

    fn peek(&self) -> Result<Token<'a>, Invalid> {
        self.token().map(|(token, _)| token)
    }

    fn next(&mut self) -> Result<Token<'a>, Invalid> {
        let (token, rest) = self.token()?;
        self.rest = rest;
        Ok(token)
    }

    fn expect(&mut self, operator: &str) -> Result<(), Invalid> {
        match self.next()? {
            Token::Operator(found) if found == operator => Ok(()),
            other => self.wrong(&format!("`{operator}` was expected, not {}", other.shown())),
        }
    }

    fn filter(&mut self) -> Result<Filter, Invalid> {
        let mut some = vec![self.some()?];
        while self.peek()?.is_word("or") {
            self.next()?;
            some.push(self.some()?);
        }
        Ok(if some.len() == 1 { some.remove(0) } else { Filter::Or(some) })
    }

    fn some(&mut self) -> Result<Filter, Invalid> {
        let mut all = vec![self.one()?];
        loop {
            match self.peek()? {
                Token::End | Token::Operator(")") => break,
                token if token.is_word("or") => break,
                token if token.is_word("and") => {
                    self.next()?;
                }
                _ => {}
            }
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::And(all) })
    }

    fn one(&mut self) -> Result<Filter, Invalid> {
        match self.peek()? {
            Token::Operator("(") => self.deeper(|parser| {
                parser.next()?;
                let filter = parser.filter()?;
                parser.expect(")")?;
                Ok(filter)
            }),
            token if token.is_word("not") => self.deeper(|parser| {
                parser.next()?;
                Ok(Filter::Not(Box::new(parser.one()?)))
            }),
            _ => self.test(),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Invalid>) -> Result<T, Invalid> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.wrong("conditions lie too deep in one another");
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn test(&mut self) -> Result<Filter, Invalid> {
        let name = match self.next()? {
            Token::Word(name) => name.to_owned(),
            Token::Quoted(name) => name,
            other => return self.wrong(&format!("a field was expected, not {}", other.shown())),
        };
        if name == STATUS && self.table.field(STATUS).is_none() {
            return self.status();
        }
        let Some(field) = self.table.field_named(&name).map(str::to_owned) else {
            return self.wrong(&format!("`{}` has no field `{name}`", self.table));
        };
        let operator = match self.next()? {
            Token::Operator(operator) => operator,
            token if token.is_word("exists") => return Ok(Filter::Exists { field }),
            token if token.is_word("in") => return self.set(field),
            token if token.is_word("not") && self.peek()?.is_word("in") => {
                self.next()?;
                return Ok(Filter::Not(Box::new(self.set(field)?)));
            }
            other => return self.wrong(&format!("{} is no comparison", other.shown())),
        };
        if operator == "^=" {
            return match self.next()? {
                Token::Word(text) => Ok(Filter::Prefix { field, text: text.into() }),
                Token::Quoted(text) => Ok(Filter::Prefix { field, text }),
                other => self.wrong(&format!("a text was expected, not {}", other.shown())),
            };
        }
        let value = self.value(&field)?;
        Ok(match operator {
            "=" => Filter::Is { field, value },
            "!=" => Filter::Not(Box::new(Filter::Is { field, value })),
            ">=" => Filter::Range { field, from: Some(value), to: None },
            "<" => Filter::Range { field, from: None, to: Some(value) },
            ">" => Filter::Range { field, from: Some(above(value)), to: None },
            "<=" => Filter::Range { field, from: None, to: Some(above(value)) },
            other => return self.wrong(&format!("`{other}` is no comparison")),
        })
    }

    fn status(&mut self) -> Result<Filter, Invalid> {
        let negated = match self.next()? {
            Token::Operator("=") => false,
            Token::Operator("!=") => true,
            other => {
                return self.wrong(&format!("`status` is compared by `=` or `!=`, not by {}", other.shown()));
            }
        };
        let failed = match self.next()? {
            token if token.is_word("error") => true,
            token if token.is_word("ok") => false,
            other => return self.wrong(&format!("`status` is `ok` or `error`, not {}", other.shown())),
        };
        let error = Filter::Exists { field: model::names::ERROR_TYPE.into() };
        Ok(if failed != negated { error } else { Filter::Not(Box::new(error)) })
    }

    fn set(&mut self, field: String) -> Result<Filter, Invalid> {
        self.expect("(")?;
        let mut values = vec![self.value(&field)?];
        loop {
            match self.next()? {
                Token::Operator(",") => values.push(self.value(&field)?),
                Token::Operator(")") => return Ok(Filter::In { field, values }),
                other => return self.wrong(&format!("`,` or `)` was expected, not {}", other.shown())),
            }
        }
    }

    fn value(&mut self, field: &str) -> Result<Value, Invalid> {
        let text = match self.next()? {
            Token::Word(text) => text.to_owned(),
            Token::Quoted(text) => text,
            other => return self.wrong(&format!("a value was expected, not {}", other.shown())),
        };
        let kind = self.table.field(field).map_or(Kind::Text, |(_, kind, _)| kind);
        let value = match kind {
            Kind::Duration => scaled(&text, DURATIONS, 1e9).map(Value::Number),
            Kind::Number => scaled(&text, SIZES, 1.0).map(Value::Number),
            Kind::Time => text.parse().ok().map(Value::Number),
            Kind::Float => text.parse().ok().map(Value::Float),
            Kind::Flag => text.to_ascii_lowercase().parse().ok().map(Value::Flag),
            Kind::Id | Kind::Word | Kind::Text | Kind::Bytes(_) | Kind::Map | Kind::Histogram => {
                return Ok(Value::Text(text));
            }
        };
        match value {
            Some(value) => Ok(value),
            None => self.wrong(&format!("`{text}` is no value of `{field}`: {}", example(kind))),
        }
    }
}

const DURATIONS: &[(&str, f64)] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("min", 60e9),
    ("m", 60e9),
    ("h", 3600e9),
];
const SIZES: &[(&str, f64)] = &[
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("B", 1.0),
];

fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Duration => "such as 50ms, 1.5s or 200us",
        Kind::Number => "a whole number, or a size such as 10kB",
        Kind::Time => "nanoseconds since 1970; the time of a question is set beside its filter",
        Kind::Flag => "true or false",
        _ => "a number",
    }
}

/// A number and perhaps a unit; one without is counted in `bare`.
fn scaled(text: &str, units: &[(&str, f64)], bare: f64) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>()
        && bare == 1.0
    {
        return Some(number);
    }
    let begin = text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(begin);
    let scale = if unit.is_empty() { bare } else { units.iter().find(|(known, _)| *known == unit)?.1 };
    let value = (number.trim().parse::<f64>().ok()? * scale).round();
    // Beyond this a number with a fraction has no exact value any more.
    (value.abs() < 9e15 || (value.abs() < 9e18 && unit.is_empty())).then_some(value as i64)
}

/// The least value above.
fn above(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(number.saturating_add(1)),
        Value::Float(number) => Value::Float(number.next_up()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Filter, String> {
        let filter = Filter::parse(Table::Requests, text).map_err(|error| error.to_string())?;
        let query = super::super::Query {
            table: Table::Requests,
            from: None,
            to: None,
            filter: filter.clone(),
            ask: super::super::Ask::Each { columns: vec![], limit: None },
        };
        query.validate().map_err(|error| error.to_string())?;
        Ok(filter)
    }

    fn is(field: &str, value: impl Into<Value>) -> Filter {
        Filter::is(field, value)
    }

    fn range(field: &str, from: Option<i64>, to: Option<i64>) -> Filter {
        Filter::Range { field: field.into(), from: from.map(Value::Number), to: to.map(Value::Number) }
    }

    fn not(filter: Filter) -> Filter {
        Filter::Not(Box::new(filter))
    }

    #[test]
    fn filters_are_read_as_they_are_meant() {
        let shop = || is("service.name", "shop");
        let error = || Filter::Exists { field: "error.type".into() };
        let cases = [
            ("", Filter::All),
            ("  ", Filter::All),
            ("service = shop", shop()),
            ("service.name=shop", shop()),
            ("(service = 'shop')", shop()),
            ("service != shop", not(shop())),
            ("status = error", error()),
            ("status != ok", error()),
            ("status=ok", not(error())),
            ("duration > 50ms", range("duration", Some(50_000_001), None)),
            ("duration >= 1.5", range("duration", Some(1_500_000_000), None)),
            ("duration < 200us", range("duration", None, Some(200_000))),
            ("duration <= 2 ", range("duration", None, Some(2_000_000_001))),
            ("request.size > 10kB", range("weir.request.size", Some(10_001), None)),
            (
                "code in (500, 503)",
                Filter::In {
                    field: "http.response.status_code".into(),
                    values: vec![Value::Number(500), Value::Number(503)],
                },
            ),
            (
                "code not in (500)",
                not(Filter::In {
                    field: "http.response.status_code".into(),
                    values: vec![Value::Number(500)],
                }),
            ),
            ("name ^= \"GET /a b\"", Filter::Prefix { field: "name".into(), text: "GET /a b".into() }),
            ("path ^= /users/{id}", Filter::Prefix { field: "url.path".into(), text: "/users/{id}".into() }),
            ("waiting = true", is("weir.waiting", Value::Flag(true))),
            ("attributes.user_agent.original = \"a\\\"b\"", is("attributes.user_agent.original", "a\"b")),
            (
                "service = shop duration > 1s",
                Filter::And(vec![shop(), range("duration", Some(1_000_000_001), None)]),
            ),
            (
                "service = shop AND status = error or not error exists",
                Filter::Or(vec![Filter::And(vec![shop(), error()]), not(error())]),
            ),
            ("not (service = shop or status=error)", not(Filter::Or(vec![shop(), error()]))),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let cases = [
            ("srvice = shop", "`requests` has no field `srvice`"),
            ("service", "the end is no comparison"),
            ("service = ", "a value was expected, not the end"),
            ("service = shop)", "`)` is too much"),
            ("(service = shop", "`)` was expected, not the end"),
            ("service = \"shop", "a quote is not closed"),
            ("duration > fast", "`fast` is no value of `duration`"),
            ("status = 500", "`status` is `ok` or `error`"),
            ("status > ok", "`status` is compared by"),
            ("code in 500", "`(` was expected"),
            ("= shop", "a field was expected"),
            ("service = shop ; drop", "`;` stands in quotes or not at all"),
            ("service ^= (", "a text was expected"),
            ("name > GET", "name"),
        ];
        for (text, expected) in cases {
            let found = parse(text).expect_err(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
        assert!(parse(&"(".repeat(100_000)).is_err());
        assert!(parse(&"not ".repeat(100_000)).is_err());
    }

    #[test]
    fn any_text_is_a_filter_or_an_error() {
        let whole = "service = 'sh\\'op' and (duration > 5ms or näme exists) not code in (1,2) \u{1f600}";
        for begin in whole.char_indices().map(|(at, _)| at) {
            for (end, _) in whole.char_indices().filter(|(end, _)| *end >= begin) {
                let _ = Filter::parse(Table::Requests, &whole[begin..end]);
            }
        }
    }

    #[test]
    fn short_names_lead_to_columns() {
        for (short, whole) in SHORT {
            assert!(Table::ALL.iter().any(|table| table.field(whole).is_some()), "{short}");
        }
    }
}
