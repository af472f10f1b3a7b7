import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { type MetricData, MetricReader } from '@opentelemetry/sdk-metrics'

// OpenTelemetry's "Prometheus and OpenMetrics compatibility": the unit becomes the name's last word.
const unitSuffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' }

const withUnitInName = (metric: MetricData): MetricData => {
  const { name, unit } = metric.descriptor
  const suffix = unitSuffixes[unit] ?? ''
  const plain = name.replaceAll('.', '_')
  return {
    ...metric,
    descriptor: { ...metric.descriptor, name: plain.endsWith(suffix) ? plain : plain + suffix, unit: '' },
  }
}

class PrometheusReader extends MetricReader {
  readonly #serializer = new PrometheusSerializer(undefined, false, undefined, false, true)

  async text(): Promise<string> {
    const { resourceMetrics } = await this.collect()
    return this.#serializer.serialize({
      ...resourceMetrics,
      scopeMetrics: resourceMetrics.scopeMetrics.map((scope) => ({
        ...scope,
        metrics: scope.metrics.map(withUnitInName),
      })),
    })
  }

  // It is only ever asked: there is nothing to flush or to close.
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

/** A reader whose `text()` collects and renders every metric in Prometheus's text format 0.0.4. */
export const createPrometheusReader = (): PrometheusReader => new PrometheusReader()
