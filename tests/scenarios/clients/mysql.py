"""Statements by PyMySQL: text protocol, several statements at once, a file, 100,000 rows. Prints one JSON object for each
statement: what the driver was told. Arguments: folder, and port or Unix socket."""

import json
import sys

import pymysql
from pymysql.constants import CLIENT

folder, where = sys.argv[1:]
target = {"unix_socket": where} if where.startswith("/") else {"host": "127.0.0.1", "port": int(where)}
connection = pymysql.connect(
    user="root", database="shop", client_flag=CLIENT.MULTI_STATEMENTS, local_infile=True, autocommit=True, **target
)


def run(sql, kind=pymysql.cursors.Cursor):
    told = {"sql": sql, "rows": None, "affected": None, "error": None}
    try:
        with connection.cursor(kind) as cursor:
            cursor.execute(sql)
            while True:
                if cursor.description is not None:
                    told["rows"] = (told["rows"] or 0) + len(cursor.fetchall())
                else:
                    told["affected"] = (told["affected"] or 0) + cursor.rowcount
                if not cursor.nextset():
                    break
    except pymysql.err.MySQLError as error:
        told = {"sql": sql, "rows": None, "affected": None, "error": error.args[0]}
    print(json.dumps(told))


run("CREATE TABLE py (id INT PRIMARY KEY, name VARCHAR(50))")
run("INSERT INTO py VALUES (1, 'one'), (2, 'two')")
run("SELECT * FROM py /* both */")
run("SELECT * FROM py WHERE id = 7")
run("INSERT INTO py VALUES (1, 'again')")
run("SELECT * FROM nothing")
run("SELEKT 1")
run("UPDATE py SET name = 'b' WHERE id = 1; SELECT * FROM py; DELETE FROM py WHERE id = 2")
run("SELECT 1; SELECT * FROM nothing2")
run("SELECT seq FROM seq_1_to_100000")
run("SELECT seq AS again FROM seq_1_to_100000", pymysql.cursors.SSCursor)
run("SELECT seq FROM seq_1_to_100")
with open(f"{folder}/load.csv", "w") as file:
    file.writelines(f"{n},name {n}\n" for n in range(10, 5010))
run(f"LOAD DATA LOCAL INFILE '{folder}/load.csv' INTO TABLE py FIELDS TERMINATED BY ','")
run("SELECT COUNT(*) FROM py")
run("INSERT INTO py VALUES " + ",".join(f"({n},'{n}')" for n in range(10_000, 14_000)))
run("SELECT SLEEP(0.1)")
connection.select_db("mysql")
run("SELECT DATABASE()")
connection.ping()
connection.close()
