//! Options that several commands share.

use clap::Args;
use probes::Backend;

use crate::units::{Size, parse_size};

/// How the kernel side works.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Capture")]
pub struct CaptureArgs {
    /// Use this way to see traffic, instead of the best that works: tracepoint, trampoline, kprobe or syscalls.
    #[arg(long, value_name = "NAME", value_parser = parse_backend)]
    pub backend: Option<Backend>,
    /// Room for events on their way from the kernel, shared out among the processors [default: 8MiB, or 512KiB for each
    /// processor where that is more].
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
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
        let ring = self.ring.map(|size| u32::try_from(size.0).unwrap_or(u32::MAX).min(1 << 30));
        probes::Config {
            ring_bytes: ring.unwrap_or(default.ring_bytes),
            only: self.backend,
            datagrams: !self.no_udp,
            observe_self: self.observe_self,
            ..default
        }
    }
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
