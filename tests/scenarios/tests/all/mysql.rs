//! MariaDB, asked by its own client, by PyMySQL and by mysqlnd: statement by statement as the server's own log has it, with
//! the rows and errors that the clients were told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use scenario_tests::mariadb::{Logged, MariaDb};
use scenario_tests::process::Process;
use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::weir::{Run, Weir};
use serde_json::{Value, json};

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// Statements whose result is larger than what is captured of it: how it ended is known, how many rows it has is not.
const LARGE: [&str; 3] = [
    "SELECT seq FROM seq_1_to_100000",
    "SELECT seq AS again FROM seq_1_to_100000",
    // The first time; then more is captured of the connection.
    "SELECT a.seq FROM seq_1_to_60 a JOIN seq_1_to_10 b WHERE a.seq > ?",
];

fn output(command: &mut Command) -> String {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{command:?}: {errors}");
    String::from_utf8(done.stdout).unwrap()
}

/// What a client printed, one JSON object a statement.
fn told(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the server's own client printed, brought into the same form.
fn told_by_cli(script: &str, output: &str, errors: &str) -> Vec<Value> {
    let number = |line: &str| line.split(' ').find_map(|word| word.parse::<u64>().ok());
    let failed: BTreeMap<u64, u64> = errors
        .lines()
        .map(|line| {
            let code = number(line).unwrap();
            let place = line.split_once("at line ").and_then(|(_, rest)| rest.split(':').next());
            (place.unwrap().parse().unwrap(), code)
        })
        .collect();
    let mut blocks = output.split("--------------\n").skip(1);
    let mut list = Vec::new();
    for (place, line) in (1..).zip(script.lines()) {
        let sql = line.strip_suffix(';').unwrap();
        assert_eq!(blocks.next().map(str::trim), Some(sql));
        let answer = blocks.next().unwrap();
        let find = |what: &str| answer.lines().find(|line| line.contains(what));
        let rows = find("in set").or(find("Empty set")).map(|line| number(line).unwrap_or(0));
        let affected = find("Query OK").map(|line| number(line).unwrap());
        list.push(json!({"sql": sql, "rows": rows, "affected": affected, "error": failed.get(&place)}));
    }
    list
}

/// What was asked on a connection, by the server's log: PREPARE and EXECUTE within text are logged twice.
fn asked(log: &[Logged]) -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = Vec::new();
    let mut prepared = String::new();
    for line in log {
        let before = list.last().map_or("", |(_, text)| text);
        let twice = (line.command == "Prepare" && before.starts_with("PREPARE"))
            || (line.command == "Execute" && before.starts_with("EXECUTE"));
        if twice {
            continue;
        }
        let (name, text) = match line.command.as_str() {
            "Connect" => ("CONNECT", ""),
            "Query" => ("", line.argument.as_str()),
            "Prepare" => {
                prepared.clone_from(&line.argument);
                ("PREPARE", line.argument.as_str())
            }
            "Execute" => ("", prepared.as_str()),
            "Close stmt" => ("CLOSE", prepared.as_str()),
            "Long Data" => ("SEND_LONG_DATA", ""),
            "Init DB" => ("INIT_DB", ""),
            "Statistics" => ("STATISTICS", ""),
            "Change user" => ("CHANGE_USER", ""),
            "Quit" => ("QUIT", ""),
            other => panic!("an unknown line: {other}"),
        };
        list.push((name.to_owned(), text.to_owned()));
    }
    list
}

/// True for what executes a statement: only that has a summary of one.
fn is_statement(record: &Record) -> bool {
    !record.text("/attributes/db.query.summary").is_empty()
}

/// The text, which is cut after some 4,000 bytes.
fn is_text(record: &Record, text: &str) -> bool {
    let shown = record.text("/attributes/db.query.text");
    match shown.strip_suffix(" ...") {
        Some(shown) => shown.len() > 3_900 && text.starts_with(shown),
        None => shown == text,
    }
}

/// A connection's records against the server's log and what the client was told.
fn compare(records: &[&Record], log: &[Logged], told: &[Value], side: &str) {
    // Not logged: what asks for nothing, rows that are fetched, and what cannot be prepared.
    let is_logged = |record: &&&Record| {
        !["PING", "FETCH", "SET_OPTION"].contains(&record.name())
            && (record.name() != "PREPARE" || is_statement(record) || record.error().is_empty())
    };
    let logged: Vec<_> = records.iter().filter(is_logged).collect();
    let asked = asked(log);
    for (record, (name, text)) in logged.iter().zip(&asked) {
        let named = if name.is_empty() { is_statement(record) } else { record.name() == name };
        let known = text.is_empty() || is_text(record, text);
        assert!(named && known, "{side}: {} is not {name} {text}", record.json);
        assert_eq!(record.text("/attributes/db.system.name"), "mariadb");
    }
    let names = |list: &[&&Record]| list.iter().map(|record| record.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(logged.len(), asked.len(), "{side}: {:?} against {asked:?}", names(&logged));

    let statements: Vec<_> = records.iter().filter(|record| is_statement(record)).collect();
    assert_eq!(statements.len(), told.len(), "{side}");
    let mut large = LARGE.to_vec();
    for (record, told) in statements.iter().zip(told) {
        let sql = told["sql"].as_str().unwrap();
        assert!(is_text(record, sql), "{side}: {} is not {sql}", record.json);
        let attribute = |name: &str| record.json["attributes"].get(name).cloned().unwrap_or(Value::Null);
        let rows = attribute("db.response.returned_rows");
        if let Some(place) = large.iter().position(|large| *large == sql) {
            large.swap_remove(place);
            assert_eq!((record.incomplete(), rows), ("", Value::Null), "{side}: {}", record.json);
        } else {
            assert_eq!((record.incomplete(), rows), ("", told["rows"].clone()), "{side}: {sql}");
        }
        assert_eq!(attribute("weir.db.response.affected_rows"), told["affected"], "{side}: {sql}");
        let error = told["error"].as_u64().map_or(String::new(), |code| code.to_string());
        assert_eq!(record.error(), error, "{side}: {sql}");
        assert_eq!(record.text("/attributes/db.response.status_code"), error, "{side}: {sql}");
        if sql.contains("SLEEP") {
            assert!((0.1..1.0).contains(&record.duration()), "{side}: {}", record.json);
        }
    }
}

/// All connections, in the order in which they were made.
fn connections<'a>(records: &[&'a Record]) -> Vec<Vec<&'a Record>> {
    let mut by: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        by.entry(record.text("/connection")).or_default().push(record);
    }
    let mut list: Vec<_> = by.into_values().collect();
    for records in &mut list {
        records.sort_by_key(|record| record.text("/time").to_owned());
    }
    list.sort_by_key(|records| records[0].text("/time").to_owned());
    list
}

/// The three clients, one after the other: what each was told.
fn play(server: &MariaDb, place: &str) -> Vec<Vec<Value>> {
    let folder = server.folder().display().to_string();
    let mut python = Command::new("/usr/bin/python3");
    python.arg(format!("{CLIENTS}/mysql.py")).args([&folder, place]);
    let mut php = Command::new("php");
    php.arg(format!("{CLIENTS}/mysql.php")).arg(place);
    let told = vec![told(&output(&mut python)), told(&output(&mut php)), cli(place)];
    assert!(told.iter().all(|told| told.len() >= 13), "{told:?}");
    told
}

fn cli(place: &str) -> Vec<Value> {
    let script = Path::new(CLIENTS).join("mysql.sql");
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "--user=root", "--force", "-vvv"]);
    match place.parse::<u16>() {
        Ok(port) => command.args(["--host=127.0.0.1", &format!("--port={port}")]),
        Err(_) => command.arg(format!("--socket={place}")),
    };
    let done = command.arg("shop").stdin(std::fs::File::open(&script).unwrap()).output().unwrap();
    let script = std::fs::read_to_string(script).unwrap();
    let (output, errors) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    told_by_cli(&script, &output, &errors)
}

fn compare_all(server: MariaDb, run: &Run, sides: [Vec<&Record>; 2], told: &[Vec<Value>]) {
    let log = server.stop().unwrap();
    let mut logs: BTreeMap<u64, Vec<Logged>> = BTreeMap::new();
    for line in log {
        logs.entry(line.connection).or_default().push(line);
    }
    // What only looked whether the port is open never said who it is.
    logs.retain(|_, lines| lines.iter().any(|line| line.command == "Quit"));
    let [client, server] = &sides;
    for (records, side) in [(client, "client"), (server, "server")] {
        let connections = connections(records);
        assert_eq!((connections.len(), logs.len()), (told.len(), told.len()), "{side}\n{}", run.summary);
        for ((records, log), told) in connections.iter().zip(logs.values()).zip(told) {
            compare(records, log, told, side);
        }
    }
    let bytes = |records: &[&Record]| {
        let sum = |pointer| records.iter().map(|record| record.number(pointer)).sum::<u64>();
        (sum("/request/bytes"), sum("/response/bytes"))
    };
    assert_eq!(bytes(client), bytes(server), "both sides saw the same bytes");
    assert_eq!(run.not_understood("mysql"), 0, "{}", run.summary);
    assert_eq!(run.lost(), 0, "{}", run.summary);
}

#[test]
fn statements_over_tcp() {
    let Some(_alone) = scenario() else { return };
    let server = MariaDb::start().unwrap();
    let port = server.port();
    let weir = Weir::requests(&["--show-values", "--port", &port.to_string()]).unwrap();
    let told = play(&server, &port.to_string());
    let run = weir.stop().unwrap();
    let sides = ["client", "server"].map(|role| run.of(port, role));
    compare_all(server, &run, sides, &told);
}

#[test]
fn statements_over_a_unix_socket() {
    let Some(_alone) = scenario() else { return };
    let server = MariaDb::start().unwrap();
    let socket = server.socket();
    let weir = Weir::requests(&["--show-values", "--protocol", "mysql"]).unwrap();
    let told = play(&server, &socket.display().to_string());
    let run = weir.stop().unwrap();
    let sides = ["client", "server"].map(|role| run.of_socket(&socket, role));
    compare_all(server, &run, sides, &told);
}

/// A connection that was open before, with a statement that was prepared before.
fn in_the_middle(place: &str, port: u16) -> (String, Run) {
    let mut php = Command::new("php");
    php.arg(format!("{CLIENTS}/mysql_before.php")).arg(place);
    let mut client = Process::start(php.stdin(Stdio::piped()).stdout(Stdio::piped())).unwrap();
    let mut line = String::new();
    BufReader::new(client.child().stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let weir = if port > 0 { Weir::on_port(port) } else { Weir::requests(&["--protocol", "mysql"]) }.unwrap();
    client.child().stdin.as_mut().unwrap().write_all(b"go on\n").unwrap();
    client.wait(std::time::Duration::from_secs(10)).unwrap();
    (line, weir.stop().unwrap())
}

fn check_in_the_middle(records: &[&Record], side: &str) {
    let mut records = records.to_vec();
    records.sort_by_key(|record| record.text("/time").to_owned());
    let seen: Vec<_> = records
        .iter()
        .map(|record| {
            let attributes = &record.json["attributes"];
            let rows = attributes["db.response.returned_rows"].as_i64().unwrap_or(-1);
            let database = record.text("/attributes/db.namespace");
            (record.name(), record.error(), rows, database, record.incomplete())
        })
        .collect();
    let expected = [
        ("EXECUTE", "", 5, "", "start"),
        ("SELECT seq_1_to_3", "", 3, "", ""),
        ("SELECT nothing", "1146", -1, "", ""),
        ("PREPARE", "", -1, "", ""),
        ("SELECT seq_1_to_7", "", 3, "", ""),
        ("USE mysql", "", -1, "mysql", ""),
        ("DO", "", -1, "mysql", ""),
        ("CLOSE", "", -1, "mysql", ""),
        ("CLOSE", "", -1, "mysql", ""),
        ("QUIT", "", -1, "mysql", ""),
    ];
    assert_eq!(seen, expected, "{side}");
}

#[test]
fn a_connection_that_was_open_before() {
    let Some(_alone) = scenario() else { return };
    let server = MariaDb::start().unwrap();
    let (line, run) = in_the_middle(&server.port().to_string(), server.port());
    assert_eq!(line, "ready\n");
    for role in ["client", "server"] {
        check_in_the_middle(&run.of(server.port(), role), role);
    }
    let (_, run) = in_the_middle(&server.socket().display().to_string(), 0);
    for role in ["client", "server"] {
        check_in_the_middle(&run.of_socket(&server.socket(), role), role);
    }
}
