//! Messages for tests, from words.

use model::Party;

/// Messages in a row, `|` between them. Each is its type byte and what is in it; `-` stands for no name.
pub(super) fn wire(party: Party, text: &str) -> Vec<u8> {
    text.split('|').flat_map(|message| one(party, message)).collect()
}

/// A message with a type byte.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 4;
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

fn untyped(code: u32, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 8;
    [length.to_be_bytes().as_slice(), &code.to_be_bytes(), body].concat()
}

fn one(party: Party, text: &str) -> Vec<u8> {
    let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
    let string = |text: &str| [text.trim_matches('-').as_bytes(), &[0]].concat();
    let (name, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = || rest.parse::<usize>().unwrap_or(0);
    let body = match (party, kind) {
        (_, "startup") => {
            let words = rest.split([' ', '=']).flat_map(string).chain([0]).collect::<Vec<u8>>();
            return untyped(0x3_0000, &words);
        }
        (_, "ssl") => return untyped(80_877_103, b""),
        (_, "gss") => return untyped(80_877_104, b""),
        (_, "cancel") => return untyped(80_877_102, b"\0\0\x12\x34key!"),
        (_, "raw") => return rest.as_bytes().to_vec(),
        (Party::Client, "Q" | "f") => string(rest),
        (Party::Client, "P") => [string(name), string(behind), vec![0, 0]].concat(),
        (Party::Client, "B") => {
            [string(name), string(behind), b"\0\0\0\x01\0\0\0\x06secret\0\0".to_vec()].concat()
        }
        (Party::Client, "E") => {
            [string(name), behind.parse::<u32>().unwrap_or(0).to_be_bytes().to_vec()].concat()
        }
        (Party::Client, "D" | "C") => [name.as_bytes(), &string(behind)].concat(),
        (Party::Client, "F") => b"\0\0\0\x2a\0\x01\0\0\0\0\0\0".to_vec(),
        (Party::Client, "p") => string(rest),
        (Party::Server, "T") => [b"\0\x01".to_vec(), string("column"), vec![0; 18]].concat(),
        (Party::Server, "D") => {
            [b"\0\x01", (number() as u32).to_be_bytes().as_slice(), &vec![b'x'; number()]].concat()
        }
        (Party::Server, "t") => b"\0\x01\0\0\0\x17".to_vec(),
        (Party::Server, "C") => string(rest),
        (Party::Server, "E") => [
            b"SERROR\0V".as_slice(),
            if behind.is_empty() { b"ERROR" } else { behind.as_bytes() },
            b"\0C",
            name.as_bytes(),
            b"\0Mmessage with a secret\0\0",
        ]
        .concat(),
        (Party::Server, "N") => b"SNOTICE\0VNOTICE\0C00000\0Mhello\0\0".to_vec(),
        (Party::Server, "Z") => rest.as_bytes().to_vec(),
        (Party::Server, "S") => [string(name), string(behind)].concat(),
        (Party::Server, "A") => [b"\0\0\0\x07".to_vec(), string("channel"), string("payload")].concat(),
        (Party::Server, "R") => (number() as u32).to_be_bytes().to_vec(),
        (Party::Server, "v") => b"\0\0\0\0\0\0\0\0".to_vec(),
        (Party::Server, "K") => b"\0\0\x12\x34key!".to_vec(),
        (Party::Server, "G" | "H" | "W") => b"\0\0\x01\0\0".to_vec(),
        (Party::Server, "V") => b"\xff\xff\xff\xff".to_vec(),
        (_, "d") => vec![b'x'; number()],
        _ => Vec::new(),
    };
    message(kind.as_bytes()[0], &body)
}
