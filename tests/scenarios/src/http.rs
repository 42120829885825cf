//! A client for HTTP/1.1 that counts what it does.

use std::io::{self, BufRead, BufReader, Read, Write};

/// One end of a connection.
pub trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its whole length, head included.
    pub bytes: u64,
}

/// A connection to a server.
pub struct Client<S: Stream>(BufReader<S>);

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

    /// Reads one answer, the body of which is as long as its head says.
    pub fn receive(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        let mut bytes = self.0.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status line: {line:?}")))?;
        let mut length = 0;
        loop {
            line.clear();
            let read = self.0.read_line(&mut line)?;
            bytes += read;
            match line.trim_end() {
                "" if read > 0 => break,
                "" => return Err(io::ErrorKind::UnexpectedEof.into()),
                header => {
                    if let Some((name, value)) = header.split_once(':')
                        && name.eq_ignore_ascii_case("content-length")
                    {
                        length = value.trim().parse().map_err(io::Error::other)?;
                    }
                }
            }
        }
        let body = io::copy(&mut (&mut self.0).take(length), &mut io::sink())?;
        if body < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Answer { status, bytes: bytes as u64 + body })
    }

    /// The connection.
    pub fn stream(&mut self) -> &mut S {
        self.0.get_mut()
    }
}

/// A request without a body.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}
