"""An HTTP server that asks PostgreSQL and Redis for each request. It serves one request after the other on a thread.

chain.py threads|prefork PORT POSTGRES_PORT REDIS_PORT

`threads` has a thread for each connection; `prefork` has eight processes, which take one connection after the other and
close it after each request. Both protocols are spoken by hand, so that nothing needs to be installed. The `id` in a request's query is
what its statement and its command are about.
"""

import ctypes
import os
import signal
import socket
import socketserver
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

MODE, PORT, POSTGRES, REDIS = sys.argv[1], *map(int, sys.argv[2:5])
LOCAL = threading.local()


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Postgres:
    """The simple query protocol, without a password."""

    def __init__(self):
        self.connection = connect(POSTGRES)
        self.file = self.connection.makefile("rb")
        parameters = b"user\0weir\0database\0shop\0\0"
        self.connection.sendall(struct.pack("!II", len(parameters) + 8, 196608) + parameters)
        self.until_ready()

    def until_ready(self):
        while True:
            kind, length = struct.unpack("!cI", self.file.read(5))
            body = self.file.read(length - 4)
            assert kind != b"E", body
            if kind == b"Z":
                return

    def query(self, text):
        body = text.encode() + b"\0"
        self.connection.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        self.until_ready()


class Redis:
    """RESP2; what is asked for is never there."""

    def __init__(self):
        self.connection = connect(REDIS)
        self.file = self.connection.makefile("rb")

    def get(self, key):
        self.connection.sendall(b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key))
        assert self.file.readline() == b"$-1\r\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if not hasattr(LOCAL, "postgres"):
            LOCAL.postgres, LOCAL.redis = Postgres(), Redis()
        url = urlsplit(self.path)
        mark = parse_qs(url.query).get("id", ["none"])[0]
        LOCAL.redis.get(mark.encode())
        LOCAL.postgres.query(f"SELECT '{mark}'")
        if url.path.endswith("slow"):
            time.sleep(0.05)
        body = mark.encode()
        # In one go: what is sent in two pieces waits for the first one's acknowledgement.
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
        if MODE == "prefork":
            head += "Connection: close\r\n"
            self.close_connection = True
        self.wfile.write(head.encode() + b"\r\n" + body)

    def log_message(self, *arguments):
        pass


class Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True


class OneByOne(socketserver.TCPServer):
    request_queue_size = 512
    allow_reuse_address = True


if MODE == "threads":
    Threads(("127.0.0.1", PORT), Handler).serve_forever()
server = OneByOne(("127.0.0.1", PORT), Handler)
for _ in range(7):
    if os.fork() == 0:
        # Whoever ends the first one ends all of them.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        break
server.serve_forever()
