"""Asks DuckDB about a store's files.

Arguments: the folder. Standard input: a list of statements as JSON, in which `requests` and `edges` are the files of these tables,
with the time in nanoseconds as `t`. Standard output: a list of answers, each a list of rows; bytes are hexadecimal digits.
"""

import json
import sys

import duckdb

connection = duckdb.connect()
for table in ("requests", "edges"):
    files = f"{sys.argv[1]}/{table}-*.parquet"
    connection.execute(f"create view {table} as select epoch_ns(time) as t, * from read_parquet('{files}')")
answers = [connection.execute(statement).fetchall() for statement in json.load(sys.stdin)]
json.dump(answers, sys.stdout, default=lambda value: value.hex() if isinstance(value, bytes) else str(value))
