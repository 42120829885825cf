//! Bodies of requests, within bounds: as they come, and unpacked.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::room::Part;

/// How long a body may take to come.
const LONGEST: Duration = Duration::from_secs(30);
/// What zstd may look back by (RFC 9659): 8 MiB.
const ZSTD_WINDOW: u32 = 23;
/// Bytes that are unpacked at a time.
const PIECE: usize = 64 << 10;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packed {
    No,
    Gzip,
    Zstd,
}

impl Packed {
    /// By the name that headers have for it; `None` for one that is not known.
    pub(crate) fn named(name: Option<&str>) -> Option<Self> {
        match name.map(str::trim) {
            None | Some("" | "identity") => Some(Packed::No),
            Some(name) if name.eq_ignore_ascii_case("gzip") => Some(Packed::Gzip),
            Some(name) if name.eq_ignore_ascii_case("zstd") => Some(Packed::Zstd),
            Some(_) => None,
        }
    }
}

/// Why there is no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoBody {
    /// It is larger than this, unpacked or not.
    TooLarge(usize),
    /// There is no room for it now.
    NoRoom,
    /// It did not come within the time for it.
    TooSlow,
    /// It broke off, or is not packed as it says.
    Broken(String),
}

/// Reads a body of `most` bytes at most.
pub(crate) async fn read(body: Body, most: usize, part: &mut Part) -> Result<Vec<u8>, NoBody> {
    timeout(LONGEST, read_all(body, most, part)).await.unwrap_or(Err(NoBody::TooSlow))
}

async fn read_all(mut body: Body, most: usize, part: &mut Part) -> Result<Vec<u8>, NoBody> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| NoBody::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(NoBody::TooLarge(most));
        }
        if !part.grow(data.len()) {
            return Err(NoBody::NoRoom);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Unpacks a body to `most` bytes at most, however little it was packed to.
pub(crate) fn unpack(
    bytes: Vec<u8>,
    packed: Packed,
    most: usize,
    part: &mut Part,
) -> Result<Vec<u8>, NoBody> {
    let broken = |error: std::io::Error| NoBody::Broken(error.to_string());
    match packed {
        Packed::No => Ok(bytes),
        Packed::Gzip => drain(flate2::read::MultiGzDecoder::new(&*bytes), most, part),
        Packed::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(&*bytes).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(broken)?;
            drain(decoder, most, part)
        }
    }
}

fn drain(mut from: impl Read, most: usize, part: &mut Part) -> Result<Vec<u8>, NoBody> {
    let mut out = Vec::new();
    loop {
        let before = out.len();
        let read = from.by_ref().take(PIECE as u64).read_to_end(&mut out);
        read.map_err(|error| NoBody::Broken(error.to_string()))?;
        let more = out.len() - before;
        if more == 0 {
            return Ok(out);
        }
        if out.len() > most {
            return Err(NoBody::TooLarge(most));
        }
        if !part.grow(more) {
            return Err(NoBody::NoRoom);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::room::Room;
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn bombs_do_not_go_off() {
        let zeros = vec![0; 64 << 20];
        for (packed, bytes) in
            [(Packed::Gzip, gzip(&zeros)), (Packed::Zstd, zstd::bulk::compress(&zeros, 3).unwrap())]
        {
            let room = Room::new(100 << 20);
            let told = unpack(bytes.clone(), packed, 1 << 20, &mut room.part());
            assert_eq!(told, Err(NoBody::TooLarge(1 << 20)), "{packed:?}");
            let room = Room::new(1 << 20);
            assert_eq!(unpack(bytes, packed, 100 << 20, &mut room.part()), Err(NoBody::NoRoom));
        }
    }

    #[test]
    fn what_was_packed_comes_out() {
        let text = b"so it was ".repeat(30_000);
        let room = Room::new(100 << 20);
        let packed = [
            (Packed::No, text.clone()),
            (Packed::Gzip, gzip(&text)),
            (Packed::Zstd, zstd::bulk::compress(&text, 3).unwrap()),
        ];
        for (packed, bytes) in packed {
            assert_eq!(unpack(bytes.clone(), packed, 1 << 20, &mut room.part()).as_ref(), Ok(&text));
            if packed != Packed::No {
                let half = bytes[..bytes.len() / 2].to_vec();
                let told = unpack(half, packed, 1 << 20, &mut room.part());
                assert!(
                    matches!(told, Err(NoBody::Broken(_))),
                    "{packed:?}: {:?}",
                    told.map(|out| out.len())
                );
            }
        }
        assert_eq!(Packed::named(Some("GZip")), Some(Packed::Gzip));
        assert_eq!((Packed::named(None), Packed::named(Some("br"))), (Some(Packed::No), None));
    }
}
