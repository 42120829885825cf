//! The tables in ClickHouse's words, for those who keep them there.

use std::fmt::Write;

use crate::{Column, Kind, Table};

/// `CREATE TABLE` for every table.
pub fn ddl() -> String {
    let mut text = String::from(
        "-- Made from the tables in `crates/schema`; a test fails where this file differs from them.\n",
    );
    for table in Table::ALL {
        // Writing to a String does not fail.
        let _ = write!(text, "\n-- {}.\nCREATE TABLE IF NOT EXISTS weir_{table}\n(\n", table.help());
        let columns: Vec<String> = table.columns().iter().map(column).collect();
        text.push_str(&columns.join(",\n"));
        let keyed = table.columns().iter().filter(|column| column.keyed);
        for column in keyed {
            let name = column.name;
            let _ =
                write!(text, ",\n    INDEX `{name}_filter` `{name}` TYPE bloom_filter(0.01) GRANULARITY 1");
        }
        let order = table.sorted_by().map(|name| format!("`{name}`")).join(", ");
        let _ = write!(
            text,
            "\n)\nENGINE = MergeTree\nPARTITION BY toStartOfHour(`time`)\nORDER BY ({order})\nSETTINGS allow_nullable_key = 1;\n"
        );
    }
    text
}

fn column(column: &Column) -> String {
    let text = match column.kind {
        Kind::Time => "DateTime64(9, 'UTC')".to_owned(),
        Kind::Duration | Kind::Number => "Int64".to_owned(),
        Kind::Id => "UInt64".to_owned(),
        Kind::Float => "Float64".to_owned(),
        Kind::Flag => "Bool".to_owned(),
        Kind::Word | Kind::Text => "String".to_owned(),
        Kind::Bytes(size) => format!("FixedString({size})"),
        Kind::Map => "Map(LowCardinality(String), String)".to_owned(),
        Kind::Histogram => "Map(Int32, Int64)".to_owned(),
    };
    // ClickHouse has no maps that may be missing: they are empty.
    let nested = matches!(column.kind, Kind::Map | Kind::Histogram);
    let text = if column.optional && !nested { format!("Nullable({text})") } else { text };
    let text = if column.kind == Kind::Word { format!("LowCardinality({text})") } else { text };
    let codec = match column.kind {
        Kind::Time => " CODEC(DoubleDelta, ZSTD(1))",
        Kind::Duration | Kind::Number => " CODEC(T64, ZSTD(1))",
        _ => " CODEC(ZSTD(1))",
    };
    format!("    `{}` {text}{codec} COMMENT '{}'", column.name, column.help.replace('\'', "\\'"))
}
