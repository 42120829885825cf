"""A small shop: orders of a database, carts of a cache. Which of the two it is, is told by the name under which it is started."""
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

name, port, redis_port, mysql_port = sys.argv[1], *map(int, sys.argv[2:5])
local = threading.local()


def redis(*words):
    """A command, over the thread's own connection. Replies here fit into one packet."""
    if not hasattr(local, "redis"):
        local.redis = socket.create_connection(("127.0.0.1", redis_port))
    text = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    local.redis.sendall(text)
    return local.redis.recv(65536)


def mysql(statement, *values):
    if not hasattr(local, "mysql"):
        import pymysql

        local.mysql = pymysql.connect(host="127.0.0.1", port=mysql_port, user="root", database="shop", autocommit=True)
    with local.mysql.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        path, _, how = self.path.partition("?")
        status, parts = 503 if how == "fail" else 200, path.strip("/").split("/")
        if how == "slow":
            time.sleep(0.05)
        if parts[0] == "orders":
            redis(b"GET", b"session:" + parts[1].encode())
            mysql("SELECT id, total FROM orders WHERE id = %s", int(parts[1]))
        elif parts[0] == "reports":
            mysql("SELECT SLEEP(%s), SUM(total) FROM orders", 0.12)
        elif parts[0] == "carts":
            redis(b"HGETALL", b"cart:" + parts[1].encode())
        elif parts[0] == "refunds":
            mysql("UPDATE orders SET total = total + 1 WHERE id = %s", int(parts[1]))
        else:
            status = 503
        body = b'{"of":"%s"}' % name.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
