//! Options that several commands share.

use clap::Args;
use probes::Backend;

use crate::units::{Size, parse_size};

/// What `--ring` may be. Each processor has a ring of its own, which the kernel wants in a power of two; a request's
/// events do not fit into less.
const RING: std::ops::RangeInclusive<u64> = 128 << 10..=1 << 30;

/// How the kernel side works.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Capture")]
pub struct CaptureArgs {
    /// Use this way to see traffic, instead of the best that works: tracepoint, trampoline, kprobe or syscalls.
    #[arg(long, value_name = "NAME", value_parser = parse_backend)]
    pub backend: Option<Backend>,
    /// Room for events on their way from the kernel, shared out among the processors [default: 8MiB, or 512KiB for each
    /// processor where that is more]. From 128KiB to 1GiB; a processor's share is at least 128KiB, and a power of two.
    #[arg(long, value_name = "SIZE", value_parser = parse_ring)]
    pub ring: Option<Size>,
    /// Do not watch UDP, and so no DNS.
    #[arg(long)]
    pub no_udp: bool,
    /// Watch the processes that are shown here (by Weir itself, too).
    #[arg(long, hide = true)]
    pub observe_self: bool,
}

impl CaptureArgs {
    /// As the crate `probes` wants it.
    pub fn config(&self) -> probes::Config {
        let default = probes::Config::default();
        let ring = self.ring.and_then(|size| u32::try_from(size.0).ok());
        probes::Config {
            ring_bytes: ring.unwrap_or(default.ring_bytes),
            only: self.backend,
            datagrams: !self.no_udp,
            observe_self: self.observe_self,
            ..default
        }
    }
}

fn parse_ring(text: &str) -> Result<Size, String> {
    let size = parse_size(text).map_err(|error| error.to_string())?;
    if RING.contains(&size.0) { Ok(size) } else { Err("it may be from 128KiB to 1GiB".into()) }
}

fn parse_backend(name: &str) -> Result<Backend, String> {
    Backend::ALL.into_iter().find(|backend| backend.as_str() == name).ok_or_else(|| {
        let known: Vec<&str> = Backend::ALL.iter().map(|backend| backend.as_str()).collect();
        format!("known are {}", known.join(", "))
    })
}

/// What leaves the parsers.
#[derive(Debug, Clone, Args)]
pub struct ValueArgs {
    /// Show Redis arguments, literals in SQL and URL query values instead of `?`. They may be secrets.
    #[arg(long)]
    pub show_values: bool,
}

impl ValueArgs {
    /// As the crate `protocols` wants it.
    pub fn settings(&self) -> protocols::Settings {
        protocols::Settings { keep_values: self.show_values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_refused_rather_than_changed() {
        for text in ["1", "0", "127KiB", "1.1GiB", "16GiB"] {
            assert_eq!(parse_ring(text), Err("it may be from 128KiB to 1GiB".into()), "{text}");
        }
        for (text, bytes) in [("128KiB", 128 << 10), ("256K", 256_000), ("8MiB", 8 << 20), ("1GiB", 1 << 30)]
        {
            assert_eq!(parse_ring(text), Ok(Size(bytes)), "{text}");
        }
        assert!(parse_ring("1 mile").is_err_and(|error| error.starts_with("unknown unit")));
    }
}
