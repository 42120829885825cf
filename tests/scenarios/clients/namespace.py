"""A client and a server in a network namespace of their own, at addresses that another namespace has as well.

namespace.py NAME: connects, says so, and asks for /NAME once a line comes in; `client-NAME` and `server-NAME` are the
services. namespace.py serve: the server.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time

SERVER = ("127.0.0.1", 18080)
CLIENT = ("127.0.0.1", 40000)
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def serve():
    with socket.create_server(SERVER) as listener:
        print("listening", flush=True)
        connection, _ = listener.accept()
        with connection:
            while connection.recv(4096):
                # So long that both namespaces are in the middle of a request at once.
                time.sleep(0.5)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def ask(name):
    with socket.create_connection(SERVER, source_address=CLIENT) as connection:
        print("connected", flush=True)
        sys.stdin.readline()
        for _ in range(3):
            connection.sendall(b"GET /%s HTTP/1.1\r\nHost: shop\r\n\r\n" % name.encode())
            connection.recv(4096)


def own_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def start(arguments, service, **more):
    environment = dict(os.environ, OTEL_SERVICE_NAME=service)
    return subprocess.Popen([sys.executable, __file__, *arguments], env=environment, **more)


def main(what, name=""):
    if what == "serve":
        serve()
    elif what == "ask":
        ask(name)
    else:
        own_namespace()
        server = start(["serve"], "server-" + what, stdout=subprocess.PIPE)
        server.stdout.readline()
        client = start(["ask", what], "client-" + what)
        client.wait(20)
        server.wait(20)


main(*sys.argv[1:])
