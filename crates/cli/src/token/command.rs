//! The commands.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use config::{Given, units};
use serde_json::json;
use server::auth::{Act, Audit, Moment, Scope, TokenFile};

use super::list;
use crate::nearest::nearest;
use crate::say::{answer, say};
use crate::settings::{environment, load};

/// Arguments of `weir token`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a token and shows it, this once: only its hash is kept. A running server takes it within a second.
    #[command(after_help = CREATE)]
    Create(Create),
    /// Shows what tokens there are, what they allow, and when they were used last; not the tokens themselves.
    List(List),
    /// Takes a token back, for ever. A running server ends what is being answered to it within a second.
    Revoke(Revoke),
}

/// Where tokens are.
#[derive(Debug, Args)]
struct Place {
    /// Read this file of settings [default: the one that the server reads].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server's folder [default: server.state_directory, as it is set].
    #[arg(long, value_name = "PATH")]
    server_state_directory: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Create {
    /// What it allows: `read` (the API), `write` (sending by OpenTelemetry's protocol), or `agent` (being an agent).
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Scope,
    /// Whom it is for. It is shown in lists and in the audit log.
    #[arg(long)]
    name: String,
    /// For how long it is valid, such as `90d` or `12h` [default: until it is revoked].
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    expires: Option<units::Duration>,
    /// One JSON object, instead of the token alone.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct List {
    /// One JSON object a line, instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Revoke {
    /// Its id, as `weir token list` shows it.
    id: String,
    /// One JSON object, instead of a sentence.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

const EXAMPLES: &str = "\
Examples:
  weir token create --scope read --name grafana --expires 90d    for who asks
  weir token create --scope write --name collector               for who sends by OpenTelemetry's protocol
  weir token list
  weir token revoke 0a1b2c3d

Processes of the server's own host need no token, unless server.loopback is `token`.";

const CREATE: &str = "\
Examples:
  weir token create --scope read --name grafana --expires 90d
  weir token create --scope agent --name web-1 > /etc/weir/token

Only the token goes to standard output, so that it can be written to a file. It is shown by every request:
  curl -H \"Authorization: Bearer $(cat token)\" https://weir.example.com:7400/api/v1/services";

fn scope(name: &str) -> Result<Scope, String> {
    Scope::named(name).ok_or_else(|| {
        let names = Scope::ALL.map(Scope::name);
        let near = nearest(name, names).map(|near| format!("did you mean {near}? "));
        format!("{}known are {}", near.unwrap_or_default(), names.join(", "))
    })
}

fn lifetime(text: &str) -> Result<units::Duration, String> {
    let lifetime = units::parse_duration(text).map_err(|error| error.to_string())?;
    if lifetime.0 >= 1_000_000_000 { Ok(lifetime) } else { Err("it may be 1s or longer".into()) }
}

/// Makes, shows, or takes back.
///
/// # Errors
///
/// When the tokens cannot be read or written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Create(arguments) => create(arguments),
        Command::List(arguments) => {
            let folder = folder(&arguments.place)?;
            let content = TokenFile::new(&folder).read()?;
            if let Some((line, why)) = &content.damaged {
                let path = TokenFile::new(&folder).path();
                say(format_args!("caution: {}:{line} is no token: {why}", path.display()));
            }
            let tokens =
                list::Tokens::new(&content.records, &server::auth::last_used(&folder), Moment::now());
            Ok(answer(&if arguments.json { tokens.lines() } else { tokens.table() })?)
        }
        Command::Revoke(arguments) => {
            let folder = folder(&arguments.place)?;
            let record = TokenFile::new(&folder).revoke(&arguments.id, Moment::now())?;
            audit(&folder).note(&Act::revoked(&record));
            let text = if arguments.json {
                list::object(json!({"id": record.id, "name": record.name, "revoked": record.revoked}))
            } else {
                format!("revoked {} ({}, {})\n", record.id, record.name, record.scope.name())
            };
            Ok(answer(&text)?)
        }
    }
}

fn create(arguments: &Create) -> anyhow::Result<()> {
    let folder = folder(&arguments.place)?;
    let now = Moment::now();
    let expires = arguments.expires.map(|lifetime| now.after(lifetime.0 / 1_000_000_000));
    let (secret, record) = TokenFile::new(&folder).create(arguments.scope, &arguments.name, expires, now)?;
    audit(&folder).note(&Act::created(&record));
    let text = if arguments.json {
        list::object(json!({
            "id": record.id, "name": record.name, "scope": record.scope, "created": record.created,
            "expires": record.expires, "token": secret.as_str(),
        }))
    } else {
        say(format_args!(
            "{} may {} from now on; its token is not shown again:",
            record.name,
            may(record.scope)
        ));
        format!("{}\n", secret.as_str())
    };
    Ok(answer(&text)?)
}

fn may(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "ask the API",
        Scope::Write => "send by OpenTelemetry's protocol",
        Scope::Agent => "be an agent",
    }
}

fn folder(place: &Place) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &place.server_state_directory {
        return Ok(folder.clone());
    }
    let given = Given { file: place.config.clone(), environment: environment(), ..Given::default() };
    Ok(load(given)?.server_state_directory().into())
}

/// Who does it is the user, also behind `sudo`. What is noted is said only where it cannot be written: the command itself tells
/// the rest.
fn audit(folder: &PathBuf) -> Audit {
    // SAFETY: it has no arguments, and cannot fail.
    let user = unsafe { libc::getuid() };
    let by = match std::env::var("SUDO_UID") {
        Ok(sudo) if sudo.parse::<u32>().is_ok() => format!("uid {user}, for uid {sudo}"),
        _ => format!("uid {user}"),
    };
    let say = |line: &str| {
        if line.starts_with("caution") {
            say(line);
        }
    };
    Audit::new(folder, by, Arc::new(say))
}
