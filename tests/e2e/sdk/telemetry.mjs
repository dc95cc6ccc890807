// SPDX-License-Identifier: Apache-2.0
// An application with OpenTelemetry: telemetry.mjs KIND URL N [gzip]. Sends N spans, a metric and a log record as the SDK does; says how it went.
import { trace } from "@opentelemetry/api";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";

const [kind, url, n, compression] = process.argv.slice(2);
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${kind === "json" ? "http" : kind}`);
const exporter = new OTLPTraceExporter({ url: kind === "grpc" ? url : `${url}/v1/traces`, compression });
const results = [];
const send = exporter.export.bind(exporter);
exporter.export = (spans, done) => send(spans, (result) => { results.push(result.code); done(result); });
const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: 100000, maxExportBatchSize: 512 })] });
const tracer = provider.getTracer("app", "1.0");
for (let i = 0; i < Number(n); i++) {
	const span = tracer.startSpan(`js-${kind}-${i}`, { attributes: { text: "é", n: i, half: 0.5, flag: true, list: ["a", "b"] } });
	span.addEvent("event", { key: "value" });
	span.end();
}
await provider.forceFlush();
await provider.shutdown();

if (kind === "proto") {
	const metrics = await import("@opentelemetry/exporter-metrics-otlp-proto");
	const meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({
		exporter: new metrics.OTLPMetricExporter({ url: `${url}/v1/metrics` }), exportIntervalMillis: 60000 })] });
	meters.getMeter("app").createCounter("js.counter").add(3);
	await meters.forceFlush();
	await meters.shutdown();
	const logs = await import("@opentelemetry/exporter-logs-otlp-proto");
	const loggers = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: new logs.OTLPLogExporter({ url: `${url}/v1/logs` }) })] });
	loggers.getLogger("app").emit({ severityNumber: 9, body: "js record" });
	await loggers.forceFlush();
	await loggers.shutdown();
}
process.stdout.write(JSON.stringify({ results }));
