//! A client for Redis that keeps the account of what it did.

use std::io::{self, BufRead, BufReader, Read};

use crate::http::Stream;

/// A connection to Redis.
pub struct Client<S: Stream>(BufReader<S>);

/// A reply's first line and its whole length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Without the line's end.
    pub first: String,
    /// Everything, what is nested included.
    pub bytes: u64,
}

impl<S: Stream> Client<S> {
    /// Takes an open connection.
    pub fn new(stream: S) -> Self {
        Client(BufReader::with_capacity(64 << 10, stream))
    }

    /// Writes bytes, in one go.
    ///
    /// # Errors
    ///
    /// Those of the connection, here and below.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads one reply, of RESP2 or RESP3.
    pub fn receive(&mut self) -> io::Result<Reply> {
        let mut first = String::new();
        let mut bytes = self.0.read_line(&mut first)? as u64;
        let first = first.trim_end().to_owned();
        let count = first.get(1..).and_then(|rest| rest.parse::<i64>().ok()).unwrap_or(0).max(0) as u64;
        match first.as_bytes().first() {
            Some(b'$' | b'=' | b'!') if !first.ends_with("-1") => {
                bytes += io::copy(&mut (&mut self.0).take(count + 2), &mut io::sink())?;
            }
            Some(b'*' | b'~' | b'>') => bytes += self.nested(count)?,
            Some(b'%') => bytes += self.nested(2 * count)?,
            Some(_) => {}
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(Reply { first, bytes })
    }

    fn nested(&mut self, count: u64) -> io::Result<u64> {
        let mut bytes = 0;
        for _ in 0..count {
            bytes += self.receive()?.bytes;
        }
        Ok(bytes)
    }

    /// Sends a command and reads its reply.
    pub fn call(&mut self, arguments: &[&[u8]]) -> io::Result<Reply> {
        self.send(&command(arguments))?;
        self.receive()
    }
}

/// A command as clients send it.
pub fn command(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
