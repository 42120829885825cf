//! Files that lack columns, as those of earlier versions do.

use std::sync::Arc;

use schema::Table;

use super::{all_rows, ask, lines, opened, texts};
use crate::disk::Disk;
use crate::disk::simulated::SimulatedDisk;
use crate::manifest::Change;
use crate::segment::{self, Described};
use schema::query::{Cell, Filter, Outcome};

#[test]
fn columns_that_a_file_does_not_have_are_empty() {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let engine = opened(&disk).unwrap();
    let batch = lines(&["a", "b"]);
    let fewer = batch.project(&[0, 4]).unwrap();
    let described = Described { level: 0, replaces: Vec::new(), log_from: 0 };
    let meta = segment::write(&*disk, (Table::Logs, 0), std::iter::once(Ok(fewer)), &described, 100).unwrap();
    let change = Change { add: vec![meta], ..Change::default() };
    engine.upkeep().manifest.change(&*disk, &change).unwrap();
    drop(engine);
    let engine = opened(&disk).unwrap();
    assert_eq!(texts(&engine).0, ["a", "b"]);
    let count = |filter: Filter| {
        let question = schema::query::Query { filter, ..all_rows(Table::Logs, &["service.name"]) };
        let Outcome::Rows { rows, .. } = ask(&engine, &question).unwrap().outcome else { panic!("no rows") };
        assert!(rows.iter().all(|row| row[0] == Cell::Null));
        rows.len()
    };
    let exists = || Filter::Exists { field: "service.name".into() };
    assert_eq!(count(exists()), 0);
    assert_eq!(count(Filter::is("service.name", "shop")), 0);
    assert_eq!(count(Filter::Not(Box::new(exists()))), 2);
}
