//! A store in a folder of its own, and what takes in.

#![allow(dead_code)] // not every test needs all of it

pub(crate) mod api;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use schema::Table;
use schema::query::{Ask, Filter, Measure, Outcome, Query};
use server::Intake;
use store::{Config, Store};

pub(crate) struct Stored {
    pub(crate) intake: Arc<Intake>,
    pub(crate) folder: tempfile::TempDir,
}

impl Stored {
    pub(crate) fn new() -> Stored {
        Stored::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Stored {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path(), config).unwrap();
        Stored { intake: Arc::new(Intake::new(Arc::new(store))), folder }
    }

    pub(crate) fn count(&self, table: Table) -> u64 {
        count(self.intake.store(), table)
    }
}

/// Rows of a table.
pub(crate) fn count(store: &Store, table: Table) -> u64 {
    let ask =
        Ask::Groups { by: Vec::new(), every: None, measures: vec![Measure::Count], order: None, limit: 1 };
    let query = Query { table, from: None, to: None, filter: Filter::All, ask };
    let answer = store.query(&query, &store::Cancel::default()).unwrap();
    assert!(answer.scanned.damaged.is_empty());
    let Outcome::Groups { groups, .. } = answer.outcome else { panic!("no groups") };
    groups.first().and_then(|group| group.measures[0]).map_or(0, |count| count as u64)
}

/// Serves on loopback; HTTP/1 and HTTP/2.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}
