import {
  createContextKey,
  type Meter,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AggregationType, InstrumentType, MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  type Sampler,
  type SpanProcessor,
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node'
import { observeProcess } from './process-metrics.ts'
import { createPrometheusReader } from './prometheus.ts'

/** What startTelemetry needs. */
export interface TelemetryOptions {
  /** The process's name: service.name. */
  readonly service: string
  /** Tells two processes of one service apart: service.instance.id. */
  readonly instance?: string | undefined
  /** Base URL of an OTLP collector (http, protobuf); spans go to <it>/v1/traces. Nothing is exported without it. */
  readonly otlpEndpoint?: string | undefined
  /** The share of new traces that is recorded, 0 to 1. What a caller decided is kept. */
  readonly sampleRatio: number
  /** Besides the exporter's. */
  readonly spanProcessors?: readonly SpanProcessor[]
}

/** A process's traces and metrics. Pass it on explicitly; the active span (for logs) is what is global. */
export interface Telemetry {
  readonly tracer: Tracer
  /**
   * The first span of a new trace; undefined for a trace that is not recorded. For what happens thousands of times a
   * second: the tracer would build a span with its ids only to find that nobody wants it.
   */
  readonly startTrace: (name: string, options?: SpanOptions) => Span | undefined
  readonly meter: Meter
  /** Everything that was measured, in Prometheus's text format. */
  readonly metrics: () => Promise<string>
  /** Exports what is left and stops. Never rejects for a collector that is away. */
  readonly close: () => Promise<void>
}

// Histograms of seconds, finest about the API's goal of 20 ms. OpenTelemetry's own default is made for milliseconds.
const secondsBuckets = [
  0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** In the context of a new trace: it is recorded, as was decided before its span was built. */
const isRecorded = createContextKey('whether the trace is recorded')

/** Samples new traces, but for those that startTrace has decided on. */
const rootSampler = (ratio: number): Sampler => {
  const undecided = new TraceIdRatioBasedSampler(ratio)
  return {
    shouldSample: (context, traceId) =>
      context.getValue(isRecorded) === true
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : undecided.shouldSample(context, traceId),
    toString: () => undecided.toString(),
  }
}

// With all retries: the last export must not outlast a process's time to stop.
const exportTimeoutMs = 3_000

/** Starts a process's telemetry, with its own CPU, memory and event loop among the metrics. */
export const startTelemetry = (options: TelemetryOptions): Telemetry => {
  const resource = resourceFromAttributes({
    'service.name': options.service,
    'service.instance.id': options.instance ?? `${process.pid}`,
  })
  const exporter =
    options.otlpEndpoint === undefined
      ? []
      : [
          new BatchSpanProcessor(
            new OTLPTraceExporter({
              url: `${options.otlpEndpoint.replace(/\/+$/, '')}/v1/traces`,
              timeoutMillis: exportTimeoutMs,
            }),
          ),
        ]
  const traces = new NodeTracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: rootSampler(options.sampleRatio) }),
    spanProcessors: [...exporter, ...(options.spanProcessors ?? [])],
  })
  // For the log's trace ids. Headers are read and written by traceparent.ts, so no propagator.
  traces.register({ propagator: null })

  const reader = createPrometheusReader()
  const meters = new MeterProvider({
    resource,
    readers: [reader],
    views: [
      {
        instrumentType: InstrumentType.HISTOGRAM,
        instrumentUnit: 's',
        aggregation: {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
          options: { boundaries: secondsBuckets },
        },
      },
    ],
  })
  const meter = meters.getMeter('veza')
  const stopObserving = observeProcess(meter)

  const tracer = traces.getTracer('veza')

  return {
    tracer,
    startTrace: (name, spanOptions) =>
      Math.random() < options.sampleRatio
        ? tracer.startSpan(name, { ...spanOptions, root: true }, ROOT_CONTEXT.setValue(isRecorded, true))
        : undefined,
    meter,
    metrics: () => reader.text(),
    async close() {
      stopObserving()
      await Promise.allSettled([traces.shutdown(), meters.shutdown()])
    },
  }
}
