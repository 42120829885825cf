"""Speaks to PostgreSQL by a driver and says what came of it: a line of JSON for each statement.

    postgresql.py asyncpg|psycopg2 HOST PORT
"""
import asyncio
import io
import json
import sys

DRIVER, HOST, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])


def tell(text, rows=None, affected=None, error=""):
    print(json.dumps({"text": text, "returned": rows, "affected": affected, "error": error}))


async def by_asyncpg():
    import asyncpg

    async def fails(text, *arguments):
        try:
            await connection.fetch(text, *arguments)
        except asyncpg.PostgresError as error:
            tell(text, error=error.sqlstate)

    connection = await asyncpg.connect(host=HOST, port=PORT, user="weir", database="shop")
    simple = "CREATE TABLE items (id int PRIMARY KEY, name text, price int)"
    await connection.execute(simple)
    tell(simple)
    several = "INSERT INTO items VALUES (1, 'one', 10), (2, 'two', 20); UPDATE items SET price = 5; SELECT 7"
    await connection.execute(several)
    tell(several, 1, 4)
    select = "SELECT name FROM items WHERE id = $1"
    prepared = await connection.prepare(select)
    for number in (1, 2, 3):
        tell(select, len(await prepared.fetch(number)))
    # A pipeline: one Bind and Execute for each, and one Sync.
    insert = "INSERT INTO items VALUES ($1, $2, $3)"
    await connection.executemany(insert, [(n, "secret", n) for n in range(100, 150)])
    for _ in range(50):
        tell(insert, affected=1)
    # A portal, from which rows are fetched in parts.
    every = "SELECT id FROM items ORDER BY id"
    async with connection.transaction():
        rows = [len([row async for row in connection.cursor(every, prefetch=20)])]
    assert rows == [52]
    tell(every, 20)
    tell(every, 20)
    tell(every, 12)
    large = "SELECT n, 'a text that fills the row' FROM generate_series(1, 100000) AS n"
    tell(large, len(await connection.fetch(large)))
    small = "SELECT 1"
    tell(small, len(await connection.fetch(small)))
    await fails("SELECT wrong FROM items")
    await fails("SELEC 1")
    await fails("SELECT 10 / (id - 1) FROM items")
    # Fails behind 90,000 rows.
    await fails("SELECT 10 / (n - 90000) FROM generate_series(1, 100000) AS n")
    await fails("INSERT INTO items VALUES (1, 'again', 1)")
    await connection.copy_records_to_table("items", records=[(n, "copied", 1) for n in range(1000, 31000)])
    tell('COPY "items" FROM STDIN (FORMAT binary)', affected=30000)
    await connection.copy_from_query("SELECT * FROM items", output=io.BytesIO())
    tell("COPY (SELECT * FROM items) TO STDOUT", affected=30052)
    heard = asyncio.Event()
    await connection.add_listener("news", lambda *_: heard.set())
    other = await asyncpg.connect(host=HOST, port=PORT, user="weir", database="shop")
    await other.execute("NOTIFY news, 'a payload'")
    tell("NOTIFY news, 'a payload'")
    await asyncio.wait_for(heard.wait(), 5)
    await other.close()
    sleep = "SELECT pg_sleep(20)"
    try:
        await connection.fetch(sleep, timeout=0.3)
    except asyncio.TimeoutError:
        tell(sleep, error="57014")
    tell(small, len(await connection.fetch(small)))
    await connection.close()


def by_psycopg2():
    import psycopg2

    connection = psycopg2.connect(host=HOST, port=PORT, user="weir", dbname="shop", sslmode="prefer")
    cursor = connection.cursor()
    cursor.execute("SELECT generate_series(1, %s)", (10,))
    # One for each transaction.
    for _ in range(3):
        tell("BEGIN")
    tell("SELECT generate_series(1, 10)", cursor.rowcount)
    named = connection.cursor("fetches")
    named.itersize = 40
    named.execute("SELECT generate_series(1, 100)")
    tell('DECLARE "fetches" CURSOR WITHOUT HOLD FOR SELECT generate_series(1, 100)')
    assert len(list(named)) == 100
    for rows in (40, 40, 20):
        tell('FETCH FORWARD 40 FROM "fetches"', rows)
    connection.rollback()
    tell("ROLLBACK")
    # Large objects are reached by function calls.
    connection.lobject(0, "w").write("secret")
    connection.commit()
    tell("COMMIT")
    try:
        cursor.execute("SELECT * FROM nothing")
    except psycopg2.Error as error:
        tell("SELECT * FROM nothing", error=error.pgcode)
    connection.close()


{"asyncpg": lambda: asyncio.run(by_asyncpg()), "psycopg2": by_psycopg2}[DRIVER]()
