//! The binary `weir`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use weir_cli::say::say;
use weir_cli::{
    agent, ask, configuration, connections, dev, doctor, programs, requests, server, store, token, top, up,
};

/// Sees every request that the services of this Linux host make or serve, without touching them.
#[derive(Debug, Parser)]
#[command(name = "weir", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Observes this host, keeps what it sees, and shows it: agent, server and store in one process.
    Up(up::command::Arguments),
    /// Shows the requests of this host, live.
    Requests(requests::command::Arguments),
    /// Shows how requests go at this moment: services, operations, and who asks whom.
    Top(top::command::Arguments),
    /// Shows the TCP connections of this host, live: who, to whom, how they fare, how they end.
    Connections(connections::command::Arguments),
    /// Observes this host and offers metrics to Prometheus.
    Agent(agent::command::Arguments),
    /// Takes in what agents and others send, keeps it, and answers questions.
    Server(server::command::Arguments),
    /// Asks a server for services: how often they are asked, how fast they answer, and what fails.
    Services(ask::services::Arguments),
    /// Asks a server who asks whom.
    Topology(ask::topology::Arguments),
    /// Asks a server for requests, or what they come to: any time, any filter.
    Query(ask::query::Arguments),
    /// Asks a server for a trace: which request brought about which, and where the time went.
    Trace(ask::trace::Arguments),
    /// Makes, shows and takes back what requests from other hosts have to show the server.
    Token(token::command::Arguments),
    /// Tells what this kernel allows, what Weir uses of it, and what is missing.
    Doctor(doctor::Arguments),
    /// Shows the kernel programs of the running agent, and switches them off and on.
    Programs(programs::Arguments),
    /// Looks into a store's folder, checks and repairs it, and gets rows out of it.
    Store(store::command::Arguments),
    /// Shows what is set and where, and checks files of settings.
    Config(configuration::Arguments),
    /// Tools for those who work on Weir.
    Dev(dev::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Up(arguments) => up::command::run(&arguments),
        Command::Requests(arguments) => requests::command::run(arguments),
        Command::Top(arguments) => top::command::run(arguments),
        Command::Connections(arguments) => connections::command::run(arguments),
        Command::Agent(arguments) => agent::command::run(&arguments),
        Command::Server(arguments) => server::command::run(&arguments),
        Command::Services(arguments) => ask::services::run(&arguments),
        Command::Topology(arguments) => ask::topology::run(&arguments),
        Command::Query(arguments) => ask::query::run(&arguments),
        Command::Trace(arguments) => ask::trace::run(&arguments),
        Command::Token(arguments) => token::command::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Programs(arguments) => programs::run(&arguments),
        Command::Store(arguments) => store::command::run(&arguments),
        Command::Config(arguments) => configuration::run(&arguments),
        Command::Dev(arguments) => dev::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("weir: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
