"""TCP connections that fare in every way. Run as: connections.py server | client CASE; the server is at 10.77.0.2.

The server answers each connection by its first byte: d drains what comes, r resets once it has come, q is closed at once. A
client prints one line when it is done, or when its connection is to be looked at, and then waits for its standard input
to end.
"""

import errno
import socket
import struct
import sys
import threading
import time

SERVER = "10.77.0.2"
DRAIN, BLACK_HOLE, FULL = 7001, 7002, 7003


def reset_on_close(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def serve(connection):
    order = connection.recv(1)
    if order == b"d":
        while connection.recv(1 << 16):
            pass
    elif order == b"r":
        reset_on_close(connection)
    connection.close()


def server():
    full = socket.create_server(("", FULL), backlog=1)
    listener = socket.create_server(("", DRAIN), backlog=64)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
    full.close()


def failing(address, timeout=None):
    connection = socket.socket()
    connection.settimeout(timeout)
    try:
        connection.connect(address)
        return "connected"
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)


def wait():
    sys.stdin.read()


def client(case):
    if case == "lossy":
        connection = socket.create_connection((SERVER, DRAIN))
        connection.sendall(b"d" + bytes(4_000_000))
        # All is acknowledged: nothing changes any more until it is closed.
        while struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0]:
            time.sleep(0.05)
        time.sleep(0.5)
        print(connection.getsockname()[1], flush=True)
        wait()
    elif case == "reset_by_peer":
        connection = socket.create_connection((SERVER, DRAIN))
        connection.sendall(b"r")
        try:
            connection.recv(1)
        except ConnectionResetError:
            print("ECONNRESET", flush=True)
    elif case == "short":
        for _ in range(50):
            connection = socket.create_connection((SERVER, DRAIN))
            connection.sendall(b"d" + bytes(999))
            connection.close()
        print("done", flush=True)
    elif case == "reset_by_us":
        connection = socket.create_connection((SERVER, DRAIN))
        connection.sendall(b"d")
        reset_on_close(connection)
        connection.close()
        print("done", flush=True)
    elif case == "refused":
        print(failing((SERVER, 7009)), flush=True)
    elif case == "timeout":
        print(failing((SERVER, BLACK_HOLE)), flush=True)
    elif case == "unreachable":
        print(failing(("10.88.0.1", 7001)), flush=True)
    elif case == "aborted":
        print(failing((SERVER, BLACK_HOLE), 0.2), flush=True)
    elif case == "local_address":
        taken = socket.create_connection((SERVER, DRAIN))
        print(failing((SERVER, DRAIN)), flush=True)
        taken.close()
    elif case == "overflow":
        waiting = []
        for _ in range(6):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex((SERVER, FULL))
            waiting.append(connection)
        time.sleep(0.5)
        print("waiting", flush=True)
        wait()


if sys.argv[1] == "server":
    server()
else:
    client(sys.argv[2])
