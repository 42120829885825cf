//! PostgreSQL: every statement is one request on each side, as the server's log and the clients tell.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scenario_tests::paced::median;
use scenario_tests::postgresql::{PgBouncer, Postgres};
use scenario_tests::process::Process;
use scenario_tests::record::{Record, counts};
use scenario_tests::scenario;
use scenario_tests::weir::{Run, Weir};
use serde_json::Value;

const TEXT: &str = "/attributes/db.query.text";

/// A statement's text, rows returned, rows affected, and SQLSTATE.
type Truth = (String, Option<u64>, Option<u64>, String);

fn truth(line: &Value) -> Truth {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    (text("text"), line["returned"].as_u64(), line["affected"].as_u64(), text("error"))
}

/// The same of a record, of which the name stands for the text where it has none.
fn seen(record: &Record) -> Truth {
    let rows = |key: &str| record.json["attributes"][key].as_u64();
    let text = if record.text(TEXT).is_empty() { record.name() } else { record.text(TEXT) };
    (
        text.to_owned(),
        rows("db.response.returned_rows"),
        rows("weir.db.response.affected_rows"),
        record.error().to_owned(),
    )
}

/// Records of what a server logs as statements: not what clients do around them, but where that fails.
fn is_logged(record: &&Record) -> bool {
    match record.name() {
        "CONNECT" | "CLOSE" | "CANCEL" | "BIND" | "DESCRIBE" => false,
        "PREPARE" | "SYNC" => !record.error().is_empty(),
        _ => record.error() != "aborted",
    }
}

/// Every statement of the server's log is one record of the process that logged it, in order.
fn compare_with_log(postgres: &Postgres, records: &[&Record]) {
    let mut compared = 0;
    for (pid, logged) in postgres.log().unwrap().0 {
        let mut own: Vec<&&Record> = records
            .iter()
            .filter(|record| record.number("/process/pid") == pid && is_logged(record))
            .collect();
        own.sort_by_key(|record| record.text("/time").to_owned());
        let own: Vec<_> = own
            .into_iter()
            .map(|record| {
                let (text, _, _, error) = seen(record);
                (text, if error.is_empty() { "00000".to_owned() } else { error })
            })
            .collect();
        if own.is_empty() {
            // What was done before Weir looked.
            continue;
        }
        for (number, (own, logged)) in own.iter().zip(&logged).enumerate() {
            assert_eq!(own, logged, "process {pid}, statement {number}");
        }
        assert_eq!(own.len(), logged.len(), "process {pid}");
        compared += own.len();
    }
    let of_servers = records.iter().filter(|record| is_logged(record)).count();
    assert_eq!(compared, of_servers, "records of processes that logged nothing");
}

/// What a client says that it did is what was seen: the same number of times each.
fn compare_with_client(printed: &str, records: &[&Record], side: &str) {
    let lines: Vec<Truth> = printed.lines().map(|line| truth(&serde_json::from_str(line).unwrap())).collect();
    assert!(lines.len() > 5, "{printed}");
    let all = counts(records.iter().map(|record| format!("{:?}", seen(record))));
    for (line, number) in counts(lines.iter().map(|line| format!("{line:?}"))) {
        let of_text: Vec<_> =
            all.keys().filter(|key| key.split('"').nth(1) == line.split('"').nth(1)).collect();
        assert_eq!(all.get(&line), Some(&number), "{side}: {line}, but: {of_text:#?}");
    }
}

fn output(command: &mut Command) -> String {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = format!("{command:?}");
    let process = Process::start(command).unwrap();
    let (printed, errors) = process.output().unwrap();
    let errors = String::from_utf8_lossy(&errors).into_owned();
    assert!(errors.is_empty(), "{program}: {errors}");
    String::from_utf8(printed).unwrap()
}

fn watch(port: u16) -> Weir {
    Weir::requests(&["--show-values", "--protocol", "postgresql", "--port", &port.to_string()]).unwrap()
}

fn no_loss(run: &Run) {
    assert_eq!(run.lost(), 0, "{}", run.summary);
    // A connection is young for 50 ms. Where the host took longer to come to its longest message, part of that was not captured; then the
    // records, which are compared one by one, tell that nothing is wrong.
    let grew_up = run.summary.contains(" of messages beyond what is captured");
    assert!(run.not_understood("postgresql") <= u64::from(grew_up), "{}", run.summary);
    for record in &run.records {
        assert_eq!(record.incomplete(), "", "{}", record.json);
        assert!(!record.waiting(), "{}", record.json);
    }
}

/// Runs a driver's script beside a server.
fn drive(client: impl Fn(u16) -> Command) {
    let Some(_alone) = scenario() else { return };
    let postgres = Postgres::start(false).unwrap();
    let weir = watch(postgres.port());
    let printed = output(&mut client(postgres.port()));
    let run = weir.stop().unwrap();
    for side in ["client", "server"] {
        compare_with_client(&printed, &run.of(postgres.port(), side), side);
    }
    compare_with_log(&postgres, &run.of(postgres.port(), "server"));
    for record in &run.records {
        if record.name() != "CANCEL" {
            assert_eq!(record.text("/attributes/db.namespace"), "shop", "{}", record.json);
        }
    }
    no_loss(&run);
}

fn clients() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn python(driver: &'static str) -> impl Fn(u16) -> Command {
    move |port| {
        // Debian's own, which has Debian's packages.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(clients().join("postgresql.py")).args([driver, "127.0.0.1", &port.to_string()]);
        command
    }
}

#[test]
fn asyncpg() {
    drive(python("asyncpg"));
}

#[test]
fn psycopg2() {
    drive(python("psycopg2"));
}

#[test]
fn go() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("client");
    let mut build = Command::new("go");
    build
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOFLAGS", "")
        .env("CGO_ENABLED", "0");
    build.env("GOCACHE", folder.path().join("cache"));
    build.args(["build", "-o"]).arg(&program).arg(clients().join("postgresql.go"));
    assert!(build.status().unwrap().success());
    drive(|port| {
        let mut command = Command::new(&program);
        command.args(["127.0.0.1", &port.to_string()]);
        command
    });
}

/// psql, and what it is to print.
const SCRIPT: &[(&str, &str)] = &[
    ("CREATE TABLE t (a int, b text)", "CREATE TABLE"),
    ("INSERT INTO t SELECT g, 'secret' FROM generate_series(1, 300) AS g", "INSERT 0 300"),
    ("UPDATE t SET a = a + 1 WHERE a > 200", "UPDATE 100"),
    ("DELETE FROM t WHERE a > 250", "DELETE 51"),
    ("BEGIN", "BEGIN"),
    ("LISTEN news", "LISTEN"),
    ("NOTIFY news", "NOTIFY"),
    ("COMMIT", "COMMIT"),
    ("SELECT wrong", "ERROR:  42703"),
    ("COPY (SELECT 7) TO STDOUT", "7"),
];

fn psql(host: &str, port: u16) -> Command {
    let mut command = Command::new("psql");
    command.args(["-X", "-A", "-v", "VERBOSITY=sqlstate", "-h", host, "-p", &port.to_string()]);
    command.args(["-U", "weir", "-d", "shop"]);
    command
}

/// Runs the script; compares what psql printed with `records` of the named sides.
fn converse(host: &str, port: u16) {
    let mut command = psql(host, port);
    for (statement, _) in SCRIPT {
        command.args(["-c", statement]);
    }
    let done = command.stdin(Stdio::null()).output().unwrap();
    let printed = [done.stdout, done.stderr].concat();
    let printed = String::from_utf8(printed).unwrap();
    for (_, prints) in SCRIPT {
        assert!(printed.lines().any(|line| line == *prints), "{prints}: {printed}");
    }
}

/// The script's statements are there, in order, with the counts and codes that psql printed.
fn compare_with_script(records: &[&Record], side: &str) {
    let mut own: Vec<_> = records.iter().filter(|record| is_logged(record)).collect();
    own.sort_by_key(|record| record.text("/time").to_owned());
    let own: Vec<_> = own
        .into_iter()
        .map(|record| {
            let (text, _, affected, error) = seen(record);
            let tag = record.text("/attributes/db.operation.name").to_owned();
            let tag = match affected {
                _ if !error.is_empty() => format!("ERROR:  {error}"),
                Some(_) if tag == "COPY" => "7".to_owned(),
                Some(rows) if tag == "INSERT" => format!("INSERT 0 {rows}"),
                Some(rows) => format!("{tag} {rows}"),
                None => SCRIPT
                    .iter()
                    .find(|(own, _)| *own == text)
                    .map(|(_, tag)| (*tag).to_owned())
                    .unwrap_or(tag),
            };
            (text, tag)
        })
        .collect();
    let expected: Vec<_> = SCRIPT.iter().map(|(text, tag)| ((*text).to_owned(), (*tag).to_owned())).collect();
    assert_eq!(own, expected, "{side}");
}

/// The client asks for TLS first, which the server refuses.
#[test]
fn psql_over_tcp() {
    let Some(_alone) = scenario() else { return };
    let postgres = Postgres::start(false).unwrap();
    let weir = watch(postgres.port());
    converse("127.0.0.1", postgres.port());
    let run = weir.stop().unwrap();
    for side in ["client", "server"] {
        compare_with_script(&run.of(postgres.port(), side), side);
    }
    compare_with_log(&postgres, &run.of(postgres.port(), "server"));
    no_loss(&run);
}

#[test]
fn psql_over_a_unix_socket() {
    let Some(_alone) = scenario() else { return };
    let postgres = Postgres::start(false).unwrap();
    let weir = Weir::requests(&["--show-values", "--protocol", "postgresql"]).unwrap();
    converse(postgres.socket_folder().to_str().unwrap(), postgres.port());
    let run = weir.stop().unwrap();
    for side in ["client", "server"] {
        compare_with_script(&run.of_socket(&postgres.socket(), side), side);
    }
    compare_with_log(&postgres, &run.of_socket(&postgres.socket(), "server"));
    assert_eq!(run.lost(), 0, "{}", run.summary);
}

/// Both halves of the way are seen, each from both ends.
#[test]
fn through_pgbouncer() {
    let Some(_alone) = scenario() else { return };
    let postgres = Postgres::start(false).unwrap();
    let bouncer = PgBouncer::start(&postgres).unwrap();
    let ports = [bouncer.port().to_string(), postgres.port().to_string()];
    let weir = Weir::requests(&["--show-values", "--port", &ports[0], "--port", &ports[1]]).unwrap();
    converse("127.0.0.1", bouncer.port());
    let run = weir.stop().unwrap();
    for side in ["client", "server"] {
        compare_with_script(&run.of(bouncer.port(), side), side);
        // PgBouncer resets what it was asked to keep apart.
        let mut behind = run.of(postgres.port(), side);
        behind.retain(|record| SCRIPT.iter().any(|(text, _)| *text == record.text(TEXT)));
        compare_with_script(&behind, side);
    }
    no_loss(&run);
}

#[test]
fn connections_that_were_open_before() {
    let Some(_alone) = scenario() else { return };
    let postgres = Postgres::start(false).unwrap();
    let mut command = psql("127.0.0.1", postgres.port());
    let mut process =
        Process::start(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
    let mut stdin = process.child().stdin.take().unwrap();
    writeln!(stdin, "CREATE TABLE t (a int);").unwrap();
    let began = Instant::now();
    while !postgres.log().unwrap().0.values().flatten().any(|(text, _)| text.starts_with("CREATE TABLE")) {
        assert!(began.elapsed() < Duration::from_secs(10), "psql does nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
    let weir = watch(postgres.port());
    let expected: Vec<Truth> = vec![
        ("INSERT INTO t VALUES (1), (2), (3);".into(), None, Some(3), String::new()),
        ("SELECT a FROM t WHERE a > 1;".into(), Some(2), None, String::new()),
        ("SELECT wrong FROM t;".into(), None, None, "42703".into()),
        ("DELETE FROM t;".into(), None, Some(3), String::new()),
    ];
    for (text, ..) in &expected {
        writeln!(stdin, "{text}").unwrap();
    }
    drop(stdin);
    process.wait(Duration::from_secs(10)).unwrap();
    let run = weir.stop().unwrap();
    for side in ["client", "server"] {
        let mut records = run.of(postgres.port(), side);
        records.sort_by_key(|record| record.text("/time").to_owned());
        assert_eq!(records.into_iter().map(seen).collect::<Vec<_>>(), expected, "{side}");
    }
    no_loss(&run);
}

#[test]
fn tls_is_left_alone() {
    let Some(_alone) = scenario() else { return };
    let postgres = Postgres::start(true).unwrap();
    let weir = watch(postgres.port());
    let mut command = psql("127.0.0.1", postgres.port());
    command.env("PGSSLMODE", "require").args(["-c", "SELECT 'secret'"]);
    assert!(output(&mut command).contains("secret"));
    let run = weir.stop().unwrap();
    assert!(run.records.is_empty(), "{}", run.output);
    assert!(run.summary.contains("tls 2"), "{}", run.summary);
}

/// No literal leaves the process, and names are of few distinct values.
#[test]
fn values_are_hidden() {
    let Some(_alone) = scenario() else { return };
    let postgres = Postgres::start(false).unwrap();
    let weir = Weir::on_port(postgres.port()).unwrap();
    converse("127.0.0.1", postgres.port());
    let run = weir.stop().unwrap();
    assert!(!run.output.contains("secret"), "{}", run.output);
    let names = counts(run.of(postgres.port(), "server").iter().map(|record| record.name()));
    assert_eq!((names.get("INSERT t SELECT"), names.get("UPDATE t")), (Some(&1), Some(&1)), "{names:?}");
}

/// Runs pgbench; returns the transactions that it says it did.
fn bench(postgres: &Postgres, folder: &Path, arguments: &[&str], transactions: u64) -> u64 {
    let mut command = Command::new("pgbench");
    command.args(["-h", "127.0.0.1", "-p", &postgres.port().to_string(), "-U", "weir", "-n"]).args(arguments);
    command.args(["-t", &transactions.to_string(), "shop"]).env("PGSSLMODE", "disable").current_dir(folder);
    let printed = command.stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&printed.stderr).into_owned();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let line =
        printed.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "));
    let done = line.and_then(|line| line.split('/').next()?.parse().ok());
    done.unwrap_or_else(|| panic!("{printed}{errors}"))
}

/// With pgbench's tables.
fn with_tables() -> Postgres {
    let postgres = Postgres::start(false).unwrap();
    let mut command = Command::new("pgbench");
    command.args(["-h", "127.0.0.1", "-p", &postgres.port().to_string(), "-U", "weir", "-i", "-q", "shop"]);
    assert!(
        command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap().success()
    );
    postgres
}

/// As many records as pgbench says that it ran statements, on both sides.
fn count_of(arguments: &[&str], script: Option<&str>, statements: u64, transactions: u64) {
    let Some(_alone) = scenario() else { return };
    let postgres = with_tables();
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = arguments.to_vec();
    if let Some(script) = script {
        std::fs::write(folder.path().join("script"), script).unwrap();
        arguments.extend(["-f", "script"]);
    }
    let weir = Weir::on_port(postgres.port()).unwrap();
    let done = bench(&postgres, folder.path(), &arguments, transactions);
    weir.wait_for(2 * (done * statements) as usize);
    let run = weir.stop().unwrap();
    for side in ["client", "server"] {
        let mut records = run.of(postgres.port(), side);
        // pgbench looks at its tables before it begins.
        records.retain(|record| !matches!(record.name(), "CONNECT" | "PREPARE"));
        records.retain(|record| {
            !record.text(TEXT).contains("pg_catalog") && !record.text(TEXT).contains("count(")
        });
        assert!(records.iter().all(|record| record.error().is_empty() && record.name() != "EXECUTE"));
        assert_eq!(records.len() as u64, done * statements, "{side}: {}", run.summary);
    }
    no_loss(&run);
}

#[test]
fn pgbench_simple() {
    count_of(&["-c", "4", "-M", "simple"], None, 7, 250);
}

#[test]
fn pgbench_extended() {
    count_of(&["-c", "4", "-M", "extended"], None, 7, 250);
}

#[test]
fn pgbench_prepared() {
    count_of(&["-c", "4", "-M", "prepared"], None, 7, 250);
}

#[test]
fn pgbench_pipelines() {
    let select = "SELECT abalance FROM pgbench_accounts WHERE aid = 1;\n";
    let script = format!("\\startpipeline\n{}\\endpipeline\n", select.repeat(10));
    count_of(&["-c", "2", "-M", "prepared"], Some(&script), 10, 300);
}

#[test]
fn durations_are_what_pgbench_measures() {
    let Some(_alone) = scenario() else { return };
    let postgres = with_tables();
    let folder = tempfile::tempdir().unwrap();
    let weir = Weir::on_port(postgres.port()).unwrap();
    let done = bench(&postgres, folder.path(), &["-S", "-R", "1000", "-l", "--log-prefix=took"], 3_000);
    weir.wait_for(2 * done as usize);
    let run = weir.stop().unwrap();
    let mut own = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let log = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        // Client, transaction, microseconds, script, time, and with a rate how late it began, which is in the latency.
        own.extend(log.lines().map(|line| {
            let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
            Duration::from_secs_f64((numbers[2] - numbers[6]) / 1e6).as_secs_f64()
        }));
    }
    let mut records = run.of(postgres.port(), "client");
    records.retain(|record| record.name() == "SELECT pgbench_accounts");
    assert_eq!((records.len(), own.len()), (done as usize, done as usize), "{}", run.summary);
    let own = median(&mut own);
    let weirs = median(&mut records.iter().map(|record| record.duration()).collect::<Vec<_>>());
    eprintln!("median: pgbench {own:.6} s, weir {weirs:.6} s");
    assert!((own - weirs).abs() <= (own * 0.05).max(50e-6), "pgbench {own:.6} s, weir {weirs:.6} s");
}
