//! In which form a scraper wants its page.

/// The form of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format, 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' protocol buffers, each behind its length: the one form with native histograms.
    Protobuf,
}

impl Format {
    /// The form that is wanted most, by the header `Accept`; text for those who do not say, or want what there is not.
    pub fn wanted(accept: &str) -> Format {
        let offers = accept.split(',').filter_map(offer);
        // Of equals the first, as they were written.
        let best = offers.fold(None, |best: Option<(Format, u32)>, offer| match best {
            Some(best) if best.1 >= offer.1 => Some(best),
            _ => Some(offer),
        });
        best.map_or(Format::Text, |(format, _)| format)
    }

    /// The header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// True when the header `Accept-Encoding` allows gzip.
pub(super) fn allows_gzip(accept_encoding: &str) -> bool {
    accept_encoding.split(',').any(|item| {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        name.trim().eq_ignore_ascii_case("gzip") && quality(parameters) > 0
    })
}

/// A form that we have, and how much it is wanted, in thousandths.
fn offer(item: &str) -> Option<(Format, u32)> {
    let (media, parameters) = item.split_once(';').unwrap_or((item, ""));
    let says = |name: &str, value: &str| parameter(parameters, name).is_none_or(|said| said == value);
    let format = match media.trim().to_ascii_lowercase().as_str() {
        "application/vnd.google.protobuf"
            if parameter(parameters, "proto") == Some("io.prometheus.client.MetricFamily")
                && parameter(parameters, "encoding") == Some("delimited") =>
        {
            Format::Protobuf
        }
        "application/openmetrics-text" if says("version", "1.0.0") => Format::OpenMetrics,
        "text/plain" if says("version", "0.0.4") => Format::Text,
        "text/*" | "*/*" => Format::Text,
        _ => return None,
    };
    let quality = quality(parameters);
    (quality > 0).then_some((format, quality))
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let is_it = |parameter: &'a str| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    };
    parameters.split(';').find_map(is_it)
}

/// `q`, in thousandths; all where it is not said, nothing where it makes no sense.
fn quality(parameters: &str) -> u32 {
    match parameter(parameters, "q").map(str::parse::<f64>) {
        None => 1000,
        Some(Ok(quality)) if (0.0..=1.0).contains(&quality) => (quality * 1000.0) as u32,
        Some(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_is_wanted_most() {
        let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
                      application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;\
                      q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let plain = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                     text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let cases = [
            (native, Format::Protobuf),
            (plain, Format::OpenMetrics),
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html, application/json", Format::Text),
            ("text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.8", Format::Text),
            ("text/plain;q=0.3, application/openmetrics-text; version=\"1.0.0\"; q=0.4", Format::OpenMetrics),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=many", Format::Text),
            ("application/vnd.google.protobuf;proto=another;encoding=delimited", Format::Text),
            (";;;,,=;q", Format::Text),
        ];
        for (accept, expected) in cases {
            assert_eq!(Format::wanted(accept), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_used_where_it_is_allowed() {
        let cases = [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ];
        for (accept, expected) in cases {
            assert_eq!(allows_gzip(accept), expected, "{accept}");
        }
    }
}
