// Speaks to PostgreSQL by lib/pq and says what came of it: a line of JSON for each statement.
//
//	postgresql HOST PORT
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"

	"github.com/lib/pq"
)

func tell(text string, returned, affected any, failed string) {
	line := map[string]any{"text": text, "returned": returned, "affected": affected, "error": failed}
	json.NewEncoder(os.Stdout).Encode(line)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func count(rows *sql.Rows, err error) int {
	check(err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	check(rows.Err())
	return n
}

func exec(text string, on interface {
	Exec(string, ...any) (sql.Result, error)
}, arguments ...any) {
	result, err := on.Exec(text, arguments...)
	check(err)
	affected, err := result.RowsAffected()
	check(err)
	tell(text, nil, affected, "")
}

func main() {
	db, err := sql.Open("postgres", fmt.Sprintf("host=%s port=%s user=weir dbname=shop sslmode=disable", os.Args[1], os.Args[2]))
	check(err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec("CREATE TABLE orders (id int, note text)")
	check(err)
	tell("CREATE TABLE orders (id int, note text)", nil, nil, "")
	for n := 0; n < 3; n++ {
		exec("INSERT INTO orders VALUES ($1, $2)", db, n, "secret")
	}
	prepared, err := db.Prepare("SELECT note FROM orders WHERE id >= $1")
	check(err)
	for n := 0; n < 4; n++ {
		tell("SELECT note FROM orders WHERE id >= $1", count(prepared.Query(n)), nil, "")
	}
	check(prepared.Close())
	_, err = db.Query("SELECT $1::int / 0", 1)
	tell("SELECT $1::int / 0", nil, nil, string(err.(*pq.Error).Code))
	transaction, err := db.Begin()
	check(err)
	copying, err := transaction.Prepare(pq.CopyIn("orders", "id", "note"))
	check(err)
	for n := 0; n < 5000; n++ {
		_, err = copying.Exec(n, "a note that is copied")
		check(err)
	}
	_, err = copying.Exec()
	check(err)
	check(copying.Close())
	tell(`COPY "orders" ("id", "note") FROM STDIN`, nil, 5000, "")
	check(transaction.Commit())
	exec("DELETE FROM orders WHERE id > 10", db)
	check(db.Close())
}
