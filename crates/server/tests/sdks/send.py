"""Sends spans, metrics and lines of a log by OpenTelemetry's SDK: send.py grpc|http ENDPOINT COUNT."""

import logging
import sys

from opentelemetry import metrics, trace
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

protocol, endpoint, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from grpc import Compression

    options = {"insecure": True, "compression": Compression.Gzip}
    paths = {"traces": endpoint, "metrics": endpoint, "logs": endpoint}
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    options = {"compression": Compression.Gzip}
    paths = {signal: f"{endpoint}/v1/{signal}" for signal in ("traces", "metrics", "logs")}

resource = Resource.create({"service.name": "python-shop", "host.name": "h1"})
spans = TracerProvider(resource=resource)
spans.add_span_processor(
    BatchSpanProcessor(OTLPSpanExporter(endpoint=paths["traces"], **options), max_queue_size=4 * count)
)
tracer = spans.get_tracer("test")
for number in range(count):
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"n": number}) as outer:
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT):
            pass
        if number % 10 == 0:
            outer.set_status(Status(StatusCode.ERROR, "no"))
spans.shutdown()

reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=paths["metrics"], **options), 3_600_000)
meters = MeterProvider(resource=resource, metric_readers=[reader])
meter = meters.get_meter("test")
meter.create_counter("orders").add(count, {"kind": "a"})
durations = meter.create_histogram("duration", unit="s")
for number in range(count):
    durations.record(0.1 + number / 1000)
meters.shutdown()

lines = LoggerProvider(resource=resource)
lines.add_log_record_processor(
    BatchLogRecordProcessor(OTLPLogExporter(endpoint=paths["logs"], **options), max_queue_size=4 * count)
)
logger = logging.getLogger("test")
logger.addHandler(LoggingHandler(logger_provider=lines))
for number in range(count):
    logger.warning("line %d", number)
lines.shutdown()
