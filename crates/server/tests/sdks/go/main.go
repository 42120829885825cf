// Sends spans by OpenTelemetry's SDK: send grpc|http HOST:PORT COUNT.
package main

import (
	"context"
	"log"
	"os"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func exporter(ctx context.Context, protocol, address string) (*otlptrace.Exporter, error) {
	if protocol == "grpc" {
		return otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure(), otlptracegrpc.WithEndpoint(address))
	}
	return otlptracehttp.New(ctx, otlptracehttp.WithInsecure(), otlptracehttp.WithEndpoint(address),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
}

func main() {
	ctx := context.Background()
	sender, err := exporter(ctx, os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(sender, sdktrace.WithMaxQueueSize(4*count), sdktrace.WithBlocking()),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "go-shop"))),
	)
	tracer := provider.Tracer("test")
	for number := range count {
		outside, outer := tracer.Start(ctx, "outer")
		_, inner := tracer.Start(outside, "inner")
		inner.SetAttributes(attribute.Int("n", number))
		inner.End()
		outer.End()
	}
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
