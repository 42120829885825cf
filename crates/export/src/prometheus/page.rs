//! A page, piece by piece.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use signals::{Metric, Place, Series, Source};

use super::negotiate::{Format, allows_gzip};
use super::protobuf::Messages;
use super::text::Text;

/// Series that are copied at a time: some microseconds' work, for which whoever adds to them may have to wait.
const SLICE: usize = 64;
/// Bytes of a piece: enough for the network, little for memory.
const PIECE: usize = 64 * 1024;

/// A page as it is being written.
#[derive(Debug)]
pub struct Page {
    format: Format,
    writer: Writer,
    gzip: Option<GzEncoder<Vec<u8>>>,
    /// The collector, its metric, and the place among its series; `None` at the end.
    at: Option<(usize, usize, Place)>,
    /// The metric has begun.
    begun: bool,
    /// Kept for its memory.
    series: Vec<Series>,
}

#[derive(Debug)]
enum Writer {
    Text(Text),
    Messages(Messages),
}

/// What a slice is of.
enum Slice {
    Of(&'static Metric, Option<Place>),
    /// The collector has no further metrics.
    NextCollector,
    End,
}

impl Page {
    /// Begins a page, in the form that the headers `Accept` and `Accept-Encoding` ask for.
    pub fn new(accept: &str, accept_encoding: &str) -> Page {
        let format = Format::wanted(accept);
        let writer = match format {
            Format::Text => Writer::Text(Text::new(false)),
            Format::OpenMetrics => Writer::Text(Text::new(true)),
            Format::Protobuf => Writer::Messages(Messages::default()),
        };
        let gzip = allows_gzip(accept_encoding).then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        Page { format, writer, gzip, at: Some((0, 0, Place::default())), begun: false, series: Vec::new() }
    }

    /// The header `Content-Type`.
    pub fn content_type(&self) -> &'static str {
        self.format.content_type()
    }

    /// The header `Content-Encoding`, where there is to be one.
    pub fn content_encoding(&self) -> Option<&'static str> {
        self.gzip.as_ref().map(|_| "gzip")
    }

    /// The next piece; `None` when there is none any more.
    pub fn piece(&mut self, source: &impl Source) -> Option<Vec<u8>> {
        loop {
            let mut out = Vec::new();
            while self.at.is_some() && out.len() < PIECE {
                self.slice(source, &mut out);
            }
            let Some(gzip) = &mut self.gzip else { return (!out.is_empty()).then_some(out) };
            // Writing to a `Vec` cannot fail.
            let _ = gzip.write_all(&out);
            if self.at.is_none() {
                return self.gzip.take()?.finish().ok();
            }
            let piece = std::mem::take(gzip.get_mut());
            if !piece.is_empty() {
                return Some(piece);
            }
        }
    }

    /// Copies a few series, then writes them.
    fn slice(&mut self, source: &impl Source, out: &mut Vec<u8>) {
        let Some((collector, index, place)) = self.at else { return };
        let series = &mut self.series;
        series.clear();
        let slice = source.look(|collectors| {
            let Some(collector) = collectors.get(collector) else { return Slice::End };
            let Some(metric) = collector.metrics().get(index) else { return Slice::NextCollector };
            Slice::Of(metric, collector.collect(index, place, SLICE, series))
        });
        match slice {
            Slice::Of(metric, next) => {
                self.write(metric, next.is_none(), out);
                let further =
                    next.map_or((collector, index + 1, Place::default()), |next| (collector, index, next));
                self.at = Some(further);
            }
            Slice::NextCollector => self.at = Some((collector + 1, 0, Place::default())),
            Slice::End => {
                if let Writer::Text(text) = &self.writer {
                    text.end(out);
                }
                self.at = None;
            }
        }
    }

    /// Writes the series at hand of `metric`; a metric without any is left out.
    fn write(&mut self, metric: &'static Metric, last: bool, out: &mut Vec<u8>) {
        if !self.begun && !self.series.is_empty() {
            self.begun = true;
            match &mut self.writer {
                Writer::Text(text) => text.begin(metric, out),
                Writer::Messages(messages) => messages.begin(metric),
            }
        }
        for series in &self.series {
            match &mut self.writer {
                Writer::Text(text) => text.series(metric, series, out),
                Writer::Messages(messages) => messages.series(metric, series),
            }
        }
        if last
            && std::mem::take(&mut self.begun)
            && let Writer::Messages(messages) = &mut self.writer
        {
            messages.end(out);
        }
    }
}

#[cfg(test)]
mod tests;
