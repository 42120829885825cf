"""Two hosts that are not this one: at the far end of a tunnel device, in a network namespace of its own, is no kernel but this
program, which answers TCP by hand. So no socket of this host is at the other end.

remote.py SERVICE: asks `api.remote.test` and `www.remote.test`, both at the first of them, by name; then both hosts by their address.
Then another process asks the first by its address. Prints the port of each connection's client.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

NAMED, UNNAMED = "10.77.0.2", "10.77.0.3"
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
TUNSETIFF, IFF_TUN_NO_PI = 0x400454CA, 0x1001
FIN, SYN, ACK = 1, 2, 16
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def own_namespace(folder):
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWNET))
    check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    file = os.path.join(folder, "resolv.conf")
    with open(file, "w") as resolv:
        resolv.write("nameserver 127.0.0.1\n")
    check(libc.mount(file.encode(), os.path.realpath("/etc/resolv.conf").encode(), None, MS_BIND, None))
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN_NO_PI))
    for line in ["link set lo up", "addr add 10.77.0.1/24 dev tun0", "link set tun0 up"]:
        subprocess.run(["ip", *line.split()], check=True)
    return tunnel


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def packet(source, target, ports, seq, ack, flags, payload=b""):
    tcp = struct.pack("!HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0)
    pseudo = source + target + struct.pack("!BBH", 0, 6, len(tcp) + len(payload))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + payload)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(payload), 0, 0x4000, 64, 6, 0) + source + target
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp + payload


def answer(tunnel):
    """One answer to each segment that has bytes."""
    while True:
        data = os.read(tunnel, 65536)
        if data[0] >> 4 != 4 or data[9] != 6:
            continue
        head = (data[0] & 15) * 4
        source, target, tcp = data[12:16], data[16:20], data[head:]
        near, far, seq, ack, offset, flags = struct.unpack("!HHIIBB", tcp[:14])
        payload = tcp[(offset >> 4) * 4 : struct.unpack("!H", data[2:4])[0] - head]
        next_seq = seq + len(payload)

        def say(seq, ack, flags, text=b""):
            os.write(tunnel, packet(target, source, (far, near), seq, ack, flags, text))

        if flags & SYN:
            say(1000, seq + 1, SYN | ACK)
        elif payload:
            say(ack, next_seq, ACK, ANSWER)
        elif flags & FIN:
            say(ack, seq + 1, FIN | ACK)


def ask(host):
    with socket.create_connection((host, 80), timeout=5) as connection:
        print(connection.getsockname()[1], flush=True)
        for _ in range(2):
            connection.sendall(b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n" % host.encode())
            connection.recv(4096)


def main(service, host=""):
    if host:
        ask(host)
        # What names a process is read when it is first seen to speak. By what it was called alone, one that is gone by then is
        # known: not by its environment.
        return time.sleep(0.5)
    with tempfile.TemporaryDirectory() as folder:
        tunnel = own_namespace(folder)
        threading.Thread(target=answer, args=(tunnel,), daemon=True).start()
        dnsmasq = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"]
        dnsmasq += ["--listen-address=127.0.0.1", "--bind-interfaces", f"--pid-file={folder}/pid"]
        dnsmasq += [f"--address=/api.remote.test/{NAMED}", f"--address=/www.remote.test/{NAMED}"]
        server = subprocess.Popen(dnsmasq)
        try:
            for _ in range(500):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", 53)) == 0:
                        break
                time.sleep(0.01)
            ask("api.remote.test")
            ask("www.remote.test")
            # By its address: as this process asked for it last.
            ask(NAMED)
            ask(UNNAMED)
            environment = dict(os.environ, OTEL_SERVICE_NAME=service + "-2")
            subprocess.run([sys.executable, __file__, service, NAMED], env=environment, check=True)
        finally:
            server.kill()
            server.wait()


main(*sys.argv[1:])
