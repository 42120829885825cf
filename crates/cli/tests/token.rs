//! `weir token`, and a server that goes by it.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// After so long without what is waited for a test has failed.
const WHILE: Duration = Duration::from_secs(20);

fn weir(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    // The host's own settings are no part of a test.
    command.args(arguments).env("WEIR_CONFIG", folder.join("weir.yaml")).stdin(Stdio::null());
    command
}

/// What a command writes to standard output and to standard error, and whether it succeeds.
fn run(folder: &Path, arguments: &[&str]) -> (String, String, bool) {
    let output = weir(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.success())
}

/// A server that asks everybody for a token, and where its API is.
struct Server(Child, SocketAddr);

impl Server {
    fn start(folder: &Path, arguments: &[&str]) -> Server {
        let mut command =
            weir(folder, &["server", "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0"]);
        let mut child = command.args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let address = line.strip_prefix("ready: http://")?.split(';').next()?.to_owned();
            Some(address.parse().unwrap())
        });
        let server = Server(child, address.expect("it is ready"));
        // What it says later must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        server
    }

    fn status(&self, token: &str) -> u16 {
        let mut stream = TcpStream::connect(self.1).unwrap();
        stream.set_read_timeout(Some(WHILE)).unwrap();
        let head = "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        write!(stream, "{head}Authorization: Bearer {token}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn settings(folder: &Path) {
    let state = folder.join("state");
    let text = format!("server: {{state_directory: {}, loopback: token}}\n", state.display());
    std::fs::write(folder.join("weir.yaml"), text).unwrap();
}

#[test]
fn a_running_server_goes_by_tokens_that_are_made_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    settings(folder.path());
    let server = Server::start(folder.path(), &["--server-listen", "127.0.0.1:0"]);
    assert_eq!(server.status("weir_read_none"), 401);
    let (token, said, _) =
        run(folder.path(), &["token", "create", "--scope", "read", "--name", "grafana", "--expires", "90d"]);
    let token = token.trim_end();
    assert!(token.starts_with("weir_read_") && !said.contains(token), "{token} {said}");
    let (wrong, ..) = run(folder.path(), &["token", "create", "--scope", "write", "--name", "collector"]);
    let until = |wanted: u16| {
        let began = Instant::now();
        while server.status(token) != wanted {
            assert!(began.elapsed() < Duration::from_secs(1), "no {wanted}");
            std::thread::sleep(Duration::from_millis(150));
        }
    };
    until(200);
    assert_eq!(server.status(wrong.trim_end()), 403);

    let (list, ..) = run(folder.path(), &["token", "list", "--json"]);
    let list: Vec<serde_json::Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&list[0]["name"], &list[0]["state"]), (&"grafana".into(), &"valid".into()));
    let id = list[0]["id"].as_str().unwrap();
    let (told, _, done) = run(folder.path(), &["token", "revoke", id]);
    assert!(done && told.contains(id), "{told}");
    until(401);

    let (_, told, done) = run(folder.path(), &["token", "revoke", id]);
    assert!(!done && told.contains("revoked already"), "{told}");
    let (_, told, done) = run(folder.path(), &["token", "revoke", "0"]);
    assert!(!done && told.contains("weir token list"), "{told}");
    let (_, told, done) = run(folder.path(), &["token", "create", "--scope", "raed", "--name", "x"]);
    assert!(!done && told.contains("did you mean read?"), "{told}");

    let audit = std::fs::read_to_string(folder.path().join("state/audit.jsonl")).unwrap();
    let acts: Vec<serde_json::Value> =
        audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |act: &str| acts.iter().filter(|line| line["act"] == act).collect::<Vec<_>>();
    assert_eq!(of("token.created").len(), 2, "{audit}");
    assert_eq!(of("token.revoked")[0]["token"], id, "{audit}");
    assert!(of("token.revoked")[0]["by"].as_str().unwrap().starts_with("uid "), "{audit}");
    assert!(!audit.contains(token), "{audit}");
}

#[test]
fn other_hosts_are_not_let_in_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    settings(folder.path());
    let (_, told, done) = run(folder.path(), &["server", "--server-listen", "0.0.0.0:0"]);
    assert!(!done && told.contains("--insecure") && told.contains("server.tls_cert"), "{told}");
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let (_, told, done) = run(folder.path(), &["server", "--server-listen", &address]);
    assert!(!done && told.contains(&format!("{address} is taken by")), "{told}");
    assert!(!folder.path().join("state/store").exists(), "nothing was begun");

    let server = Server::start(folder.path(), &["--insecure", "--server-listen", "127.0.0.1:0"]);
    drop(server);
    let audit = std::fs::read_to_string(folder.path().join("state/audit.jsonl")).unwrap();
    assert!(audit.contains("\"act\":\"server.insecure\""), "{audit}");
}
