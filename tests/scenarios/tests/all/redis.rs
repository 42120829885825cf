//! Redis: every command is one request on each side, whatever it is wrapped in.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use scenario_tests::http::Stream;
use scenario_tests::record::{Record, counts};
use scenario_tests::resp::{Client, command};
use scenario_tests::scenario;
use scenario_tests::servers::Redis;
use scenario_tests::weir::Weir;

/// Runs redis-benchmark with a known number of requests; the commands that it makes besides are its own.
fn benchmark(depth: u32, requests: u64) {
    let Some(_alone) = scenario() else { return };
    let redis = Redis::start(None).unwrap();
    let weir = Weir::on_port(redis.port()).unwrap();
    let mut load = Command::new("redis-benchmark");
    load.args(["-p", &redis.port().to_string(), "-n", &requests.to_string(), "-P", &depth.to_string()]);
    let done = load.args(["-t", "set,get", "-c", "10", "-q"]).stdout(Stdio::null()).status().unwrap();
    assert!(done.success());
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        let mut seen = counts(run.of(redis.port(), role).iter().map(|record| record.name()));
        seen.retain(|name, _| name != "CONFIG GET");
        let sent = [("GET".to_owned(), requests), ("SET".to_owned(), requests)].into();
        assert_eq!(seen, sent, "as the {role} saw it\n{}", run.summary);
    }
    assert!(run.records.iter().all(|record| record.error().is_empty() && record.incomplete().is_empty()));
    assert_eq!(run.lost(), 0, "{}", run.summary);
}

#[test]
fn benchmark_one_by_one() {
    benchmark(1, 30_000);
}

#[test]
fn benchmark_in_pipelines_of_16() {
    // No more records than the output's queue holds: how fast this test reads is not what it is about.
    benchmark(16, 16_000);
}

/// A program connects, sends a thousand commands at once, again as soon as it has the answers, again after a pause, and is gone.
#[test]
fn pipelines_of_a_thousand_on_new_connections() {
    const COMMANDS: usize = 1000;
    const CONNECTIONS: usize = 3;
    let Some(_alone) = scenario() else { return };
    let redis = Redis::start(None).unwrap();
    let weir = Weir::on_port(redis.port()).unwrap();
    let commands: Vec<u8> = (0..COMMANDS)
        .flat_map(|number| command(&[b"SET", format!("key:{number:04}").as_bytes(), b"value:0123"]))
        .collect();
    for _ in 0..CONNECTIONS {
        let mut client = Client::new(TcpStream::connect(redis.address()).unwrap());
        for pause in [0, 0, 500] {
            std::thread::sleep(Duration::from_millis(pause));
            client.send(&commands).unwrap();
            for _ in 0..COMMANDS {
                assert_eq!(client.receive().unwrap().first, "+OK");
            }
        }
    }
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        let seen = counts(run.of(redis.port(), role).iter().map(|record| record.name()));
        let sent = [("SET".to_owned(), (3 * CONNECTIONS * COMMANDS) as u64)].into();
        assert_eq!(seen, sent, "as the {role} saw it\n{}", run.summary);
    }
    assert!(run.records.iter().all(|record| record.error().is_empty() && record.incomplete().is_empty()));
}

/// What is known of a request: name, error, whether it waited, bytes asked and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Truth(String, String, bool, u64, u64);

impl From<&Record> for Truth {
    fn from(record: &Record) -> Self {
        let bytes = (record.number("/request/bytes"), record.number("/response/bytes"));
        Truth(record.name().into(), record.error().into(), record.waiting(), bytes.0, bytes.1)
    }
}

/// A script, and the account of what was sent.
struct Script<S: Stream> {
    client: Client<S>,
    truth: Vec<Truth>,
}

impl<S: Stream> Script<S> {
    fn call(&mut self, name: &str, error: &str, arguments: &[&[u8]]) {
        self.raw(name, error, false, &command(arguments));
    }

    fn raw(&mut self, name: &str, error: &str, waiting: bool, bytes: &[u8]) {
        self.client.send(bytes).unwrap();
        self.reply(name, error, waiting, bytes.len());
    }

    fn reply(&mut self, name: &str, error: &str, waiting: bool, asked: usize) {
        let reply = self.client.receive().unwrap();
        assert_eq!(reply.first.starts_with('-'), !error.is_empty(), "{name}: {}", reply.first);
        self.truth.push(Truth(name.into(), error.into(), waiting, asked as u64, reply.bytes));
    }
}

/// A bit of everything, on one connection; `other` publishes and pushes from another.
fn converse<S: Stream>(client: S, mut other: Client<S>) -> Vec<Truth> {
    let mut s = Script { client: Client::new(client), truth: Vec::new() };
    s.call("PING", "", &[b"PING"]);
    s.call("SET", "", &[b"set", b"text", b"not a number"]);
    s.call("INCR", "ERR", &[b"INCR", b"text"]);
    s.call("LPUSH", "WRONGTYPE", &[b"LPUSH", b"text", b"x"]);
    s.call("OTHER", "ERR", &[b"NOSUCHCOMMAND", b"x"]);
    s.raw("PING", "", false, b"PING\r\n");
    s.raw("SET", "", false, b"SET inline value\r\n");
    s.call("MULTI", "", &[b"MULTI"]);
    s.call("SET", "", &[b"SET", b"a", b"1"]);
    s.call("GET", "", &[b"GET", b"a"]);
    s.call("EXEC", "", &[b"EXEC"]);
    s.call("EXEC", "ERR", &[b"EXEC"]);
    s.call("GET", "", &[b"GET", b"nothing here"]);
    s.call("SELECT", "", &[b"SELECT", b"3"]);
    s.call("CLIENT SETNAME", "", &[b"CLIENT", b"SETNAME", b"script"]);
    let megabyte = vec![b'v'; 1 << 20];
    s.call("SET", "", &[b"SET", b"large", &megabyte]);
    s.call("GET", "", &[b"GET", b"large"]);
    s.call("STRLEN", "", &[b"STRLEN", b"large"]);
    pipeline(&mut s);
    wait(&mut s, &mut other);
    s.call("HELLO", "", &[b"HELLO", b"3"]);
    s.call("HSET", "", &[b"HSET", b"hash", b"f", b"v", b"g", b"w"]);
    s.call("HGETALL", "", &[b"HGETALL", b"hash"]);
    s.call("SUBSCRIBE", "", &[b"SUBSCRIBE", b"news"]);
    other.call(&[b"PUBLISH", b"news", b"an item"]).unwrap();
    assert!(s.client.receive().unwrap().first.starts_with('>'), "a message that nobody asked for");
    s.call("GET", "", &[b"GET", b"a"]);
    s.call("UNSUBSCRIBE", "", &[b"UNSUBSCRIBE", b"news"]);
    s.call("QUIT", "", &[b"QUIT"]);
    s.truth
}

fn pipeline<S: Stream>(s: &mut Script<S>) {
    let commands: Vec<_> = (0..50)
        .map(|n: u32| match n % 3 {
            0 => ("SET", command(&[b"SET", b"key", n.to_string().as_bytes()])),
            1 => ("GET", command(&[b"GET", b"key"])),
            _ => ("MGET", command(&[b"MGET", b"key", b"a", b"none"])),
        })
        .collect();
    let bytes: Vec<u8> = commands.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    s.client.send(&bytes).unwrap();
    for (name, bytes) in commands {
        s.reply(name, "", false, bytes.len());
    }
}

fn wait<S: Stream>(s: &mut Script<S>, other: &mut Client<S>) {
    let blocks = command(&[b"BLPOP", b"queue", b"5"]);
    s.client.send(&blocks).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    other.call(&[b"RPUSH", b"queue", b"job"]).unwrap();
    s.reply("BLPOP", "", true, blocks.len());
}

/// The script's records, in order: all that its connection carried. The other connection's are fewer.
fn script_records(records: Vec<&Record>) -> Vec<&Record> {
    let connections = counts(records.iter().map(|record| record.text("/connection")));
    let most = connections.iter().max_by_key(|(_, count)| **count).map(|(id, _)| id.clone());
    let mut own: Vec<_> =
        records.into_iter().filter(|record| Some(record.text("/connection")) == most.as_deref()).collect();
    own.sort_by_key(|record| record.text("/time").to_owned());
    own
}

fn compare(records: Vec<&Record>, truth: &[Truth], side: &str) {
    let own = script_records(records);
    let seen: Vec<Truth> = own.iter().map(|record| Truth::from(*record)).collect();
    // Commands of one pipeline began at the same moment, so that their order in time is not told.
    let sorted = |list: &[Truth]| {
        let mut lines: Vec<_> = list.iter().map(|truth| format!("{truth:?}")).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&seen), sorted(truth), "{side}");
    assert_eq!(seen.first(), truth.first(), "{side}");
    assert_eq!(seen.last(), truth.last(), "{side}");
    let waited = own.iter().find(|record| record.name() == "BLPOP").map(|record| record.duration());
    assert!(waited.is_some_and(|waited| waited > 0.14), "{side}: {waited:?}");
}

#[test]
fn script_over_tcp() {
    let Some(_alone) = scenario() else { return };
    let redis = Redis::start(None).unwrap();
    let weir = Weir::on_port(redis.port()).unwrap();
    let connect = || TcpStream::connect(redis.address()).unwrap();
    let truth = converse(connect(), Client::new(connect()));
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        compare(run.of(redis.port(), role), &truth, role);
    }
}

#[test]
fn script_over_a_unix_socket() {
    let Some(_alone) = scenario() else { return };
    let redis = Redis::start(None).unwrap();
    let weir = Weir::requests(&["--protocol", "redis"]).unwrap();
    let connect = || UnixStream::connect(redis.socket()).unwrap();
    let truth = converse(connect(), Client::new(connect()));
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        compare(run.of_socket(&redis.socket(), role), &truth, role);
    }
}

/// Sends all of it at once, and waits for the server's last words; each request with the bytes of its answer, as either side saw it.
/// So many bytes are no answer's.
fn at_once(said: &[u8], last: &[u8], apart: u64) -> Vec<String> {
    use std::io::{Read, Write};
    let redis = Redis::start(None).unwrap();
    let weir = Weir::on_port(redis.port()).unwrap();
    let mut stream = TcpStream::connect(redis.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(said).unwrap();
    let mut answered = Vec::new();
    while !answered.ends_with(last) {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).unwrap();
        assert!(read > 0, "{}", answered.escape_ascii());
        answered.extend_from_slice(&bytes[..read]);
    }
    let run = weir.stop().unwrap();
    let told = |role| -> Vec<String> {
        let line = |record: &&Record| {
            assert_eq!(record.incomplete(), "", "{}", record.json);
            let text = record.text("/attributes/db.query.text");
            format!("{text} {}{}", record.error(), record.number("/response/bytes"))
        };
        run.of(redis.port(), role).iter().map(line).collect()
    };
    let told = [told("client"), told("server")];
    assert_eq!(told[0], told[1], "{}", run.output);
    let sum: u64 = run.of(redis.port(), "client").iter().map(|record| record.number("/response/bytes")).sum();
    assert_eq!(
        sum + apart,
        answered.len() as u64,
        "every byte belongs to an answer: {}",
        answered.escape_ascii()
    );
    assert_eq!(run.not_understood("redis"), 0, "{}", run.summary);
    let [told, _] = told;
    told
}

/// The reply to EXEC holds more than it announces.
#[test]
fn subscribed_in_a_transaction() {
    // The end of the second subscription is confirmed behind the reply: how many there are the server alone knows.
    const LAST: u64 = 33;
    let Some(_alone) = scenario() else { return };
    let commands: [&[&[u8]]; 8] = [
        &[b"SET", b"k", b"value"],
        &[b"MULTI"],
        &[b"SUBSCRIBE", b"a", b"b"],
        &[b"GET", b"k"],
        &[b"UNSUBSCRIBE"],
        &[b"EXEC"],
        &[b"GET", b"k"],
        &[b"PING"],
    ];
    let said: Vec<u8> = commands.iter().flat_map(|arguments| command(arguments)).collect();
    for resp3 in [false, true] {
        let said = if resp3 { [command(&[b"HELLO", b"3"]), said.clone()].concat() } else { said.clone() };
        let told = at_once(&said, b"+PONG\r\n", LAST);
        let expected = [
            "SET ? ? 5",
            "MULTI 5",
            "SUBSCRIBE ? ? 9",
            "GET ? 9",
            "UNSUBSCRIBE 9",
            "EXEC ",
            "GET ? 11",
            "PING 7",
        ];
        let told = &told[usize::from(resp3)..];
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(
                told == expected || (expected == "EXEC " && told.starts_with(expected)),
                "{told}: {expected}"
            );
        }
    }
}

#[test]
fn quoted_inline_commands() {
    let Some(_alone) = scenario() else { return };
    let said = b"SET 'a b' \"c\\x41 \\\" \"\r\nGET 'a b'\r\n\"PING\"\r\nSET \"a\"b c\r\n";
    let told = at_once(said, b"request\r\n", 0);
    assert_eq!(told, ["SET ? ? 5", "GET ? 11", "PING 7", "SET ? ERR51"]);
}
