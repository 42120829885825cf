"""Opens connections to itself, each of which begins a message and does not end it. Arguments: how many, bytes of each beginning.

Says a line when all are open; for each line that it reads, says a little more on each of them, and a line when that is done.
"""

import resource
import socket
import sys

count, size = int(sys.argv[1]), int(sys.argv[2])
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
head = b"POST /half HTTP/1.1\r\nHost: example.com\r\nX-Padding: ".ljust(size, b"x")
listener = socket.create_server(("127.0.0.1", 0), backlog=64)
pairs = []
for _ in range(count):
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    client.sendall(head)
    server.recv(size, socket.MSG_WAITALL)
    pairs.append((client, server))
print("open", flush=True)
for _ in sys.stdin:
    for client, server in pairs:
        client.sendall(b"yyyy")
        server.recv(4, socket.MSG_WAITALL)
    print("said", flush=True)
