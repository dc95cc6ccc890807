// SPDX-License-Identifier: Apache-2.0

// An application with OpenTelemetry: sdk_go KIND HOST:PORT N [gzip]. Sends N spans, a metric and a log record as the SDK does, over http or
// grpc. Its exporters repeat what may be repeated; anything else that goes wrong is told on the standard error and fails it.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

var failures atomic.Int32

// check counts an error: also those that the SDK has while it works behind, as an answer's partial success.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		failures.Add(1)
	}
}

func must[T any](value T, err error) T {
	check(err)
	if err != nil {
		os.Exit(1)
	}
	return value
}

func overHTTP(ctx context.Context, address string, gzip bool) (*otlptrace.Exporter, metric.Exporter, sdklog.Exporter) {
	spans, metrics, logs := otlptracehttp.NoCompression, otlpmetrichttp.NoCompression, otlploghttp.NoCompression
	if gzip {
		spans, metrics, logs = otlptracehttp.GzipCompression, otlpmetrichttp.GzipCompression, otlploghttp.GzipCompression
	}
	return must(otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(address), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(spans))),
		must(otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(address), otlpmetrichttp.WithInsecure(), otlpmetrichttp.WithCompression(metrics))),
		must(otlploghttp.New(ctx, otlploghttp.WithEndpoint(address), otlploghttp.WithInsecure(), otlploghttp.WithCompression(logs)))
}

func overGRPC(ctx context.Context, address string, gzip bool) (*otlptrace.Exporter, metric.Exporter, sdklog.Exporter) {
	spans := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(address), otlptracegrpc.WithInsecure()}
	metrics := []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(address), otlpmetricgrpc.WithInsecure()}
	logs := []otlploggrpc.Option{otlploggrpc.WithEndpoint(address), otlploggrpc.WithInsecure()}
	if gzip {
		spans = append(spans, otlptracegrpc.WithCompressor("gzip"))
		metrics = append(metrics, otlpmetricgrpc.WithCompressor("gzip"))
		logs = append(logs, otlploggrpc.WithCompressor("gzip"))
	}
	return must(otlptracegrpc.New(ctx, spans...)), must(otlpmetricgrpc.New(ctx, metrics...)), must(otlploggrpc.New(ctx, logs...))
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(check))
	kind, address, n := os.Args[1], os.Args[2], must(strconv.Atoi(os.Args[3]))
	gzip := len(os.Args) > 4 && os.Args[4] == "gzip"
	over := overHTTP
	if kind == "grpc" {
		over = overGRPC
	}
	spans, metrics, logs := over(ctx, address, gzip)

	tracers := trace.NewTracerProvider(trace.WithBatcher(spans, trace.WithMaxQueueSize(100000), trace.WithMaxExportBatchSize(512)))
	tracer := tracers.Tracer("app")
	for i := range n {
		_, span := tracer.Start(ctx, fmt.Sprintf("go-%s-%d", kind, i), api.WithAttributes(attribute.String("text", "é"), attribute.Int("n", i),
			attribute.Float64("half", 0.5), attribute.Bool("flag", true), attribute.StringSlice("list", []string{"a", "b"})))
		span.AddEvent("event", api.WithAttributes(attribute.String("key", "value")))
		span.End()
	}
	check(tracers.Shutdown(ctx))

	meters := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(metrics)))
	must(meters.Meter("app").Int64Counter("go.counter")).Add(ctx, 3)
	check(meters.Shutdown(ctx))

	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))
	var record log.Record
	record.SetSeverity(log.SeverityInfo)
	record.SetBody(attribute.StringValue("go record"))
	loggers.Logger("app").Emit(ctx, record)
	check(loggers.Shutdown(ctx))
	if failures.Load() > 0 {
		os.Exit(1)
	}
}
