"""Two programs that send spans by OpenTelemetry's SDK, one of which asks the other over HTTP.

traced.py serve PORT ENDPOINT: answers until its standard input ends.
traced.py ask ADDRESS ENDPOINT COUNT THREADS: asks COUNT times in all, each time on behalf of a span of its own; prints the ids of the traces.

What they are called is in OTEL_SERVICE_NAME. ENDPOINT is of OTLP: grpc://ADDRESS for the one, http://ADDRESS for the other.
"""

import http.client
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry import propagate
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, format_trace_id

ROLE, WHERE, ENDPOINT = sys.argv[1:4]


def exporter():
    if ENDPOINT.startswith("grpc://"):
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=ENDPOINT.replace("grpc", "http", 1), insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=ENDPOINT + "/v1/traces")


PROVIDER = TracerProvider()
PROVIDER.add_span_processor(BatchSpanProcessor(exporter(), max_queue_size=100_000))
TRACER = PROVIDER.get_tracer("scenario")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        context = propagate.extract(dict(self.headers.items()))
        with TRACER.start_as_current_span("serve", context=context, kind=SpanKind.SERVER):
            with TRACER.start_as_current_span("work"):
                body = self.path.encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 512


def ask(count, name, traces):
    host, port = WHERE.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port))
    for number in range(count):
        with TRACER.start_as_current_span("order") as order:
            with TRACER.start_as_current_span("ask", kind=SpanKind.CLIENT):
                headers = {}
                propagate.inject(headers)
                path = f"/orders/{name}/{number}"
                connection.request("GET", path, headers=headers)
                assert connection.getresponse().read() == path.encode()
        traces.append(format_trace_id(order.get_span_context().trace_id))


if ROLE == "serve":
    server = Server(("127.0.0.1", int(WHERE)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
else:
    count, threads = map(int, sys.argv[4:6])
    traces = []
    askers = [threading.Thread(target=ask, args=(count // threads, name, traces)) for name in range(threads)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(traces) == count
    print("\n".join(traces))
PROVIDER.shutdown()
