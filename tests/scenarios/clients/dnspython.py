"""Asks for names by dnspython: in datagrams without and with EDNS, and on one TCP connection. Prints one JSON object for each
answer that came. Arguments: port, and questions as NAME/TYPE. With `retry` in front: by its resolver, which asks again."""

import json
import socket
import sys

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

HERE = "127.0.0.1"


def tell(response, truncated=False):
    question = response.question[0]
    addresses = [
        record.address
        for answer in response.answer
        if answer.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        for record in answer
    ]
    code = response.rcode()
    told = {
        "name": question.name.to_text(omit_final_dot=True),
        "kind": dns.rdatatype.to_text(question.rdtype),
        "error": "" if code == 0 else dns.rcode.to_text(code),
        "count": sum(len(answer) for answer in response.answer),
        "addresses": sorted(addresses),
        "truncated": truncated,
    }
    print(json.dumps(told))


def ask(port, questions):
    for payload in (None, 1232):
        for name, kind in questions:
            # Without EDNS a payload is not told.
            edns = {} if payload is None else {"use_edns": 0, "payload": payload, "want_dnssec": False}
            query = dns.message.make_query(name, kind, **edns)
            response = dns.query.udp(query, HERE, timeout=5, port=port)
            truncated = bool(response.flags & dns.flags.TC)
            tell(response, truncated)
            if truncated:
                tell(dns.query.tcp(query, HERE, timeout=5, port=port))
    with socket.create_connection((HERE, port)) as connection:
        connection.setblocking(False)
        for name, kind in questions:
            query = dns.message.make_query(name, kind, use_edns=0)
            tell(dns.query.tcp(query, HERE, timeout=5, sock=connection))


def ask_again(port, questions):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [HERE], port
    resolver.timeout, resolver.lifetime = 0.5, 5
    for name, kind in questions:
        tell(resolver.resolve(name, kind, raise_on_no_answer=False).response)


arguments = sys.argv[1:]
again = arguments[0] == "retry"
port, *texts = arguments[1:] if again else arguments
(ask_again if again else ask)(int(port), [text.split("/") for text in texts])
