//! `weir dev`: recordings of kernel events, for tests of all that comes after the kernel.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use model::event::Event;
use model::{ConnectionId, Endpoint};
use probes::Capture;
use recording::{Entry, Reader, Writer};
use requests::Analyzer;
use workload::{Listeners, NoNames, Processes, Source, UnixSockets};

use crate::agent::{Sink, caution, read_clocks, source};
use crate::color::Color;
use crate::options::{self, SelfArgs};
use crate::output::{Output, Style};
use crate::requests::{Filter, FilterArgs};
use crate::say::say;
use crate::settings::{self, Privacy, SettingsArgs};
use crate::stop::Stop;
use crate::units;

/// Arguments of `weir dev`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keeps the kernel's events in a file. It holds payload: whatever went over the wire.
    Capture(CaptureArguments),
    /// Analyses a file of events as if they came from the kernel; needs no root.
    Replay(ReplayArguments),
}

#[derive(Debug, Args)]
struct CaptureArguments {
    /// The file to write.
    file: PathBuf,
    /// End after this time (such as 10s); else Ctrl-C ends.
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    duration: Option<units::Duration>,
    /// Only connections with this port at either end.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Vec<u16>,
    /// Only Unix sockets whose path contains this.
    #[arg(long, value_name = "TEXT")]
    path: Vec<String>,
    #[command(flatten)]
    settings: SettingsArgs<settings::Capture>,
    #[command(flatten)]
    itself: SelfArgs,
}

#[derive(Debug, Args)]
struct ReplayArguments {
    /// The file to read.
    file: PathBuf,
    /// One JSON object a line, instead of a table.
    #[arg(long)]
    json: bool,
    /// Colour of the table.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
    #[command(flatten)]
    settings: SettingsArgs<Privacy>,
    #[command(flatten)]
    filter: FilterArgs,
}

/// Runs a tool.
///
/// # Errors
///
/// When a file cannot be read or written, or the kernel does not play along.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Capture(arguments) => capture(&arguments),
        Command::Replay(arguments) => replay(arguments),
    }
}

fn capture(arguments: &CaptureArguments) -> anyhow::Result<()> {
    let settings = arguments.settings.load()?;
    let stop = Stop::on_signals()?;
    let path = arguments.file.display();
    let file = File::create(&arguments.file).with_context(|| format!("cannot write {path}"))?;
    let mut capture = Capture::start(&options::capture(&settings, arguments.itself))?;
    let mut recorder = Recorder {
        writer: Writer::new(BufWriter::new(file)).with_context(|| format!("cannot write {path}"))?,
        processes: Processes::new(
            source(capture.report()),
            workload::Config::default(),
            Box::new(NoNames),
            workload::Limits::default(),
        ),
        ports: arguments.port.iter().copied().collect(),
        paths: arguments.path.clone(),
        wanted: HashSet::new(),
        events: 0,
    };
    say(format_args!("ready: recording to {path}; Ctrl-C ends"));
    if let Some(caution) = caution(capture.report()) {
        say(caution);
    }
    let end = arguments.duration.map(|duration| Instant::now() + Duration::from_nanos(duration.0));
    let mut result = recorder.clock();
    while result.is_ok() && !stop.is_set() && end.is_none_or(|end| Instant::now() < end) {
        std::thread::sleep(Duration::from_millis(20));
        capture.drain(u64::MAX, |event| {
            if result.is_ok() {
                result = recorder.event(event);
            }
        });
        result = result.and_then(|()| recorder.clock());
    }
    result.with_context(|| format!("cannot write {path}"))?;
    let events = recorder.events;
    recorder
        .writer
        .finish()
        .and_then(|mut file| file.flush())
        .with_context(|| format!("cannot write {path}"))?;
    say(format_args!("{events} events recorded; lost: {}", capture.losses()));
    Ok(())
}

struct Recorder {
    writer: Writer<BufWriter<File>>,
    processes: Processes,
    ports: HashSet<u16>,
    paths: Vec<String>,
    wanted: HashSet<ConnectionId>,
    events: u64,
}

impl Recorder {
    fn clock(&mut self) -> std::io::Result<()> {
        self.writer.write(&Entry::Clock(read_clocks()))
    }

    fn event(&mut self, event: Event<'_>) -> std::io::Result<()> {
        let everything = self.ports.is_empty() && self.paths.is_empty();
        let connection = match &event {
            Event::Open(open) | Event::OpenDatagrams(open) => {
                if [&open.local, &open.remote].into_iter().any(|end| self.wants(end)) {
                    self.wanted.insert(open.connection);
                }
                open.connection
            }
            Event::Owner(owner) => {
                if (everything || self.wanted.contains(&owner.connection))
                    && let Some(facts) = self.processes.owner(owner)
                {
                    self.writer.write(&Entry::Facts(Box::new(facts)))?;
                }
                owner.connection
            }
            Event::Chunk(chunk) => chunk.connection,
            Event::Read(read) => read.connection,
            Event::End(end) => end.connection,
            Event::Tcp(tcp) => {
                if [&tcp.local, &tcp.remote].into_iter().any(|end| self.wants(end)) {
                    self.wanted.insert(tcp.connection);
                }
                tcp.connection
            }
            Event::Listener(listener) => {
                if self.wants(&listener.local) {
                    self.wanted.insert(listener.connection);
                }
                listener.connection
            }
            Event::Exec(exec) => {
                self.processes.exec(exec);
                ConnectionId(0)
            }
            Event::Exit(exit) => {
                self.processes.exit(exit);
                ConnectionId(0)
            }
        };
        if everything || self.wanted.contains(&connection) {
            self.events += 1;
            self.writer.write(&Entry::Event(event))?;
        }
        Ok(())
    }

    fn wants(&self, end: &Endpoint) -> bool {
        match end {
            Endpoint::Ip(address) => self.ports.contains(&address.port()),
            Endpoint::Unix(path) => self.paths.iter().any(|wanted| path.contains(wanted.as_str())),
        }
    }
}

/// How long it is waited, as it were, for answers that a recording does not have: longer than any protocol waits.
const AFTERWARDS: u64 = 30 * 1_000_000_000;

fn replay(arguments: ReplayArguments) -> anyhow::Result<()> {
    let settings = arguments.settings.load()?;
    let path = arguments.file.display();
    let file = File::open(&arguments.file).with_context(|| format!("cannot read {path}"))?;
    let mut reader = Reader::new(BufReader::new(file)).with_context(|| format!("cannot read {path}"))?;
    let processes = Processes::new(
        Source::Recorded,
        options::names(&settings),
        Box::new(NoNames),
        workload::Limits::default(),
    );
    let config = requests::Config { protocols: options::protocols(&settings), ..Default::default() };
    let mut analyzer = Analyzer::new(config, processes, (Listeners::new(None), UnixSockets::new(None)));
    let style = Style {
        json: arguments.json,
        color: arguments.color,
        filter: Filter::from(&arguments.filter),
        count: None,
    };
    let output = Output::lossless(style, Stop::on_signals()?);
    let mut latest = 0;
    while let Some(entry) = reader.read().with_context(|| format!("cannot read {path}"))? {
        match entry {
            Entry::Clock(clock) => {
                latest = clock.monotonic;
                analyzer.set_clock(clock);
                analyzer.tick(clock.monotonic);
                output.write(analyzer.take_batch(output.used_batch()));
            }
            Entry::Facts(facts) => analyzer.learn(*facts),
            Entry::Event(event) => analyzer.event(&event),
        }
    }
    analyzer.tick(latest.saturating_add(AFTERWARDS));
    output.write(analyzer.take_batch(output.used_batch()));
    output.finish()?;
    Ok(())
}
