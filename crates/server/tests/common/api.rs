//! A server with a store of its own, asked over HTTP.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use schema::{Rows, Table};
use serde_json::Value;
use server::auth::{Audit, Auth};
use server::listen::{Protection, bind};
use server::{Config, Server};
use store::{Origin, Store};

pub(crate) struct Api {
    pub(crate) server: Server,
    _folder: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64
}

impl Api {
    pub(crate) fn new() -> Api {
        Api::with(server::api::Limits::default())
    }

    pub(crate) fn with(limits: server::api::Limits) -> Api {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&folder.path().join("store"), store::Config::default()).unwrap();
        let auth = server::auth::Config { folder: folder.path().into(), ..Default::default() };
        let bound =
            || vec![bind("127.0.0.1:0".parse().unwrap(), "--server-listen", &Protection::None).unwrap()];
        let config = Config {
            auth: Arc::new(Auth::new(auth, audit(folder.path())).unwrap()),
            api: bound(),
            otlp_grpc: vec![],
            otlp_http: vec![],
            limits,
            otlp: Default::default(),
            version: "test",
        };
        Api { server: Server::start(Arc::new(store), config).unwrap(), _folder: folder }
    }

    pub(crate) fn take(&self, source: u64, rows: &mut Rows) {
        let batch = rows.finish().unwrap();
        let origin = Origin { source, sequence: 1 };
        self.server.intake().take(origin, Table::Requests, &batch).unwrap().wait().unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1/{path}", self.server.addresses()[0])
    }

    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let mut request = ureq::Agent::new_with_config(config).get(self.url(path));
        for (name, value) in parameters {
            request = request.query(*name, *value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.call().unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (etag, kind) = (header("etag"), header("content-type").unwrap_or_default());
        Answer {
            status: answer.status().as_u16(),
            etag,
            kind,
            text: answer.body_mut().read_to_string().unwrap(),
        }
    }

    pub(crate) fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let answer = self.ask(path, parameters, &[]);
        assert_eq!(answer.status, 200, "{path} {parameters:?}: {}", answer.text);
        answer.json()
    }
}

fn audit(folder: &Path) -> Arc<Audit> {
    Arc::new(Audit::new(folder, "test", Arc::new(|_: &str| {})))
}
