"""Multicast DNS by zeroconf, in a network with one device, `cable`. mdns.py answer|ask 4|6.

`answer` offers a service and says `up`. `ask` looks it up, answered to everybody and to itself alone; asks for a name that nobody
has; and asks as a program does that knows nothing of multicast, from a port of its own. It prints one JSON object for each
answer that it was told: kind, name, address of who answered, addresses in the answer.
"""

import json
import signal
import socket
import sys
import time

import dns.message
import dns.rdatatype
from zeroconf import DNSQuestionType, IPVersion, ServiceInfo, Zeroconf

KIND = "_shop._tcp.local."
NAME = "first." + KIND
SERVER = "shop.local."
GROUPS = {"4": "224.0.0.251", "6": "ff02::fb"}
ANSWERER = {"4": "10.77.0.1", "6": "fe80::1"}
ASKER = {"4": "10.77.0.2", "6": "fe80::2"}


def participant(version, address):
    if version == "4":
        return Zeroconf(interfaces=[address], ip_version=IPVersion.V4Only)
    return Zeroconf(interfaces=[socket.if_nametoindex("cable")], ip_version=IPVersion.V6Only)


def answer(version):
    zeroconf = participant(version, ANSWERER[version])
    info = ServiceInfo(KIND, NAME, port=80, server=SERVER, properties={"secret": "secret"},
                       parsed_addresses=["10.77.0.1", "fe80::1"])
    zeroconf.register_service(info)
    # What was announced a moment ago is not said again at once.
    time.sleep(1.5)
    print("up", flush=True)
    signal.pause()


def tell(kind, name, server, addresses):
    print(json.dumps({"kind": kind, "name": name, "server": server, "addresses": addresses}))


def look_up(version, how):
    zeroconf = participant(version, ASKER[version])
    info = zeroconf.get_service_info(KIND, NAME, 3000, question_type=how)
    assert info.server == SERVER and info.port == 80, info
    for kind in ("SRV", "TXT"):
        tell(kind, NAME.rstrip("."), ANSWERER[version], [])
    assert zeroconf.get_service_info(KIND, "nobody." + KIND, 500, question_type=how) is None
    zeroconf.close()
    time.sleep(1.5)


def ask_plainly(version, kind, name):
    family = socket.AF_INET if version == "4" else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(3)
        scope = () if version == "4" else (0, socket.if_nametoindex("cable"))
        query = dns.message.make_query(name, kind)
        asking.sendto(query.to_wire(), (GROUPS[version], 5353, *scope))
        bytes, source = asking.recvfrom(4096)
    records = [record for answer in dns.message.from_wire(bytes).answer for record in answer]
    addresses = [record.address for record in records if hasattr(record, "address")]
    tell(kind, name.rstrip("."), source[0].split("%")[0], addresses)


def ask(version):
    look_up(version, DNSQuestionType.QM)
    look_up(version, DNSQuestionType.QU)
    ask_plainly(version, "A", SERVER)
    ask_plainly(version, "PTR", KIND)


globals()[sys.argv[1]](sys.argv[2])
