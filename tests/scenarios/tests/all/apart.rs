//! `weir agent` and `weir server` in two network namespaces, with TLS, certificates of both and a token: what the server answers is what the clients
//! did, and what a `weir up` beside them answers; also where the server is killed meanwhile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use certificates::certificate_of;
use scenario_tests::namespace::Namespace;
use scenario_tests::paced::{self, Plan};
use scenario_tests::process::free_port;
use scenario_tests::record::Counts;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions, Redis};
use scenario_tests::serving::{agents, ask, counts, free, of_tests, until, weir};
use scenario_tests::weir::{Keep, Weir, binary};
use serde_json::Value;
use tempfile::TempDir;

const PATHS: &[&str] = &["/ok", "/items/list", "/missing", "/broken", "/ok"];
const REDIS: u64 = 5_000;

/// The namespaces and what runs in them: services in both, the agent in the near one and the server in the far one.
struct Apart {
    near: Namespace,
    far: Namespace,
    folder: TempDir,
    nginx: Nginx,
    redis: Redis,
    /// Where the server listens: for its own host, and for others.
    own: String,
    others: String,
    tls: [(PathBuf, PathBuf); 2],
}

impl Apart {
    fn new() -> Apart {
        let [near, far] = Namespace::pair().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let redis = {
            let _inside = near.enter().unwrap();
            Redis::start(None).unwrap()
        };
        let _inside = far.enter().unwrap();
        let options = NginxOptions { address: Some(far.address()), ..NginxOptions::default() };
        let (nginx, port) = (Nginx::start(options).unwrap(), free_port().unwrap());
        let tls = [("server", &far), ("agent", &near)]
            .map(|(name, of)| certificate_of(folder.path(), name, of.address()).unwrap());
        let (own, others) = (format!("127.0.0.1:{port}"), format!("{}:{port}", far.address()));
        Apart { near, far, folder, nginx, redis, own, others, tls }
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    fn server(&self) -> Weir {
        let _inside = self.far.enter().unwrap();
        let mut server = weir("server", &format!("{},{}", self.own, self.others), &self.folder("server"));
        let [(cert, key), (agent, _)] = &self.tls;
        server.env("WEIR_SERVER_TLS_CERT", cert).env("WEIR_SERVER_TLS_KEY", key);
        Weir::start(server.env("WEIR_SERVER_TLS_CLIENT_CA", agent), Keep::Text).unwrap()
    }

    fn agent(&self, token: &str) -> Weir {
        let _inside = self.near.enter().unwrap();
        let folder = self.folder("agent");
        let mut agent = weir("agent", "", &folder);
        let [(server, _), (cert, key)] = &self.tls;
        agent.env("WEIR_AGENT_SERVER", format!("https://{}", self.others)).env("WEIR_AGENT_TLS_CA", server);
        agent.env("WEIR_AGENT_TLS_CERT", cert).env("WEIR_AGENT_TLS_KEY", key);
        agent.env("WEIR_AGENT_TOKEN", token).env("WEIR_AGENT_SPOOL", folder.join("spool"));
        Weir::start(&mut agent, Keep::Text).unwrap()
    }

    /// A token as its owner makes it.
    fn token(&self, scope: &str) -> String {
        let mut command = Command::new(binary());
        command.args(["token", "create", "--scope", scope, "--name", "near"]);
        command.env("WEIR_SERVER_STATE_DIRECTORY", self.folder("server"));
        let made = command.output().unwrap();
        let said = String::from_utf8(made.stdout).unwrap();
        let token = said.split_whitespace().find(|word| word.starts_with(&format!("weir_{scope}_")));
        token.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&made.stderr))).to_owned()
    }

    /// Has the near one's clients ask the far one's nginx, and the near one's Redis.
    fn traffic(&self, plan: &Plan) -> Counts {
        let _inside = self.near.enter().unwrap();
        let sent = paced::run(self.nginx.address(), plan).unwrap();
        let mut benchmark = Command::new("redis-benchmark");
        benchmark.args(["-p", &self.redis.port().to_string(), "-n", &REDIS.to_string()]);
        benchmark.args(["-c", "5", "-t", "set,get", "-q"]);
        assert!(benchmark.output().unwrap().status.success());
        sent.counts
    }

    /// Is everything that was sent told, once, by both ends?
    fn check(&self, api: &str, sent: &Counts) {
        let redis: Counts = [("GET".to_owned(), REDIS), ("SET".to_owned(), REDIS)].into();
        for role in ["client", "server"] {
            let at = |port: u16| format!("server.port = {port} and role = {role}");
            let commands = format!("{} and name in (GET, SET)", at(self.redis.port()));
            for (filter, fields, expected) in
                [(at(self.nginx.port()), "name,code", sent), (commands, "name", &redis)]
            {
                let found = until(|| Some(counts(api, &filter, fields)).filter(|found| found == expected));
                assert!(found.is_some(), "{role}: {:?}, not {expected:?}", counts(api, &filter, fields));
            }
        }
    }
}

/// What does not depend on when it was asked: of edges and services, who they are, and how many requests each end saw.
fn answers(api: &str) -> BTreeMap<String, Vec<Value>> {
    let filter = of_tests("nginx, redis-server");
    let mut answers = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let topology = ask(api, &["topology", "--filter", &filter]);
    for edge in topology["edges"].as_array().unwrap() {
        let key = ["client", "server", "protocol"].map(|field| text(&edge[field])).join(" ");
        let told = ["figures", "seen_by_client", "seen_by_server"];
        let counts = told.iter().flat_map(|of| ["count", "errors"].map(|figure| edge[*of][figure].clone()));
        answers.insert(key, counts.chain([edge["tcp"]["bytes"].clone()]).collect());
    }
    for service in ask(api, &["services", "--filter", &filter])["services"].as_array().unwrap() {
        let counts = ["inbound", "outbound"].map(|of| service[of]["count"].clone());
        answers.insert(text(&service["name"]), [&[service["kind"].clone()], &counts[..]].concat());
    }
    answers
}

/// Both end as they should, and nothing was lost.
fn end_well(agent: Weir, server: Weir) {
    let run = agent.stop().unwrap();
    assert!(run.status.success() && run.lost() == 0, "{}", run.summary);
    assert!(server.stop().unwrap().status.success());
}

#[test]
fn the_same_answers_as_one_process() {
    let Some(_alone) = scenario() else { return };
    let apart = Apart::new();
    let server = apart.server();
    let agent = apart.agent(&apart.token("agent"));
    let (folder, api) = (tempfile::tempdir().unwrap(), free());
    let up = Weir::start(&mut weir("up", &api, folder.path()), Keep::Text).unwrap();
    let sent = apart.traffic(&Plan { rate: 2_000, requests: 5_000, connections: 4, depth: 1, paths: PATHS });
    apart.check(&api, &sent);
    let one = answers(&api);
    {
        let _inside = apart.far.enter().unwrap();
        apart.check(&apart.own, &sent);
        assert_eq!(answers(&apart.own), one);
        let agents = agents(&apart.own);
        assert_eq!((agents.len(), &agents[0]["away"]), (1, &false.into()), "{agents:?}");
    }
    assert!(one.len() >= 6, "two edges and those at their ends: {one:?}");
    assert!(up.stop().unwrap().status.success());
    end_well(agent, server);
}

#[test]
fn a_killed_server_loses_nothing_and_tells_nothing_twice() {
    let Some(_alone) = scenario() else { return };
    let apart = Apart::new();
    let server = apart.server();
    let agent = apart.agent(&apart.token("agent"));
    let plan = Plan { rate: 1_000, requests: 8_000, connections: 4, depth: 1, paths: PATHS };
    let (sent, server) = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| apart.traffic(&plan));
        let mut server = server;
        // In the midst of what it is told, and away for a while, twice.
        for _ in 0..2 {
            sleep(Duration::from_millis(1_700));
            server.kill();
            sleep(Duration::from_millis(800));
            server = apart.server();
        }
        (traffic.join().unwrap(), server)
    });
    {
        let _inside = apart.far.enter().unwrap();
        apart.check(&apart.own, &sent);
        assert_eq!(agents(&apart.own).len(), 1);
    }
    end_well(agent, server);
}

/// A stranger, and who has no token.
#[test]
fn nobody_else_is_let_in() {
    let Some(_alone) = scenario() else { return };
    let apart = Apart::new();
    let server = apart.server();
    let asked = |with: &[&Path]| {
        let _inside = apart.near.enter().unwrap();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert"]).arg(&apart.tls[0].0);
        if let [cert, key] = with {
            curl.arg("--cert").arg(cert).arg("--key").arg(key);
        }
        let answer = curl.arg(format!("https://{}/api/v1/services", apart.others)).output().unwrap();
        String::from_utf8(answer.stdout).unwrap()
    };
    assert_eq!(asked(&[]), "000", "without a certificate");
    let (cert, key) = &apart.tls[0];
    assert_eq!(asked(&[cert, key]), "000", "with another one");
    let (cert, key) = &apart.tls[1];
    assert_eq!(asked(&[cert, key]), "401", "without a token");
    // Whoever has all of it is answered, in a terminal elsewhere too.
    let in_terminal = |token: &str, with: &[(&str, &Path)]| {
        let _inside = apart.near.enter().unwrap();
        let mut weir = Command::new(binary());
        weir.args(["services", "--json", "--url", &format!("https://{}", apart.others), "--ca"]);
        weir.arg(&apart.tls[0].0).env("WEIR_CLIENT_TOKEN", token);
        with.iter().for_each(|(option, file)| {
            weir.arg(option).arg(file);
        });
        weir.output().unwrap()
    };
    let token = apart.token("read");
    // A running server takes new tokens within a second.
    let told = until(|| {
        let answer = in_terminal(&token, &[("--cert", cert), ("--key", key)]);
        answer.status.success().then(|| serde_json::from_slice::<Value>(&answer.stdout).unwrap())
    });
    assert!(told.is_some_and(|told| told["services"].is_array()));
    assert!(!in_terminal(&token, &[]).status.success(), "without a certificate");
    let alone = in_terminal(&token, &[("--cert", cert)]);
    let said = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert!(!alone.status.success() && said.contains("client.key"), "{said}");
    assert!(server.stop().unwrap().status.success());
}
