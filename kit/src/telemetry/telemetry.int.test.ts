import { createServer } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { testTelemetry } from '../testing/index.ts'
import { contextOf, startTelemetry, traceparent } from './index.ts'

test('metrics are Prometheus text, with units in names and without scopes', async () => {
  const telemetry = startTelemetry({ service: 'demo', instance: 'a', sampleRatio: 0 })
  telemetry.meter.createCounter('demo.messages').add(2, { topic: 'x' })
  telemetry.meter.createHistogram('demo.duration', { unit: 's' }).record(0.004)
  telemetry.meter.createHistogram('demo.batch_size', { unit: '{message}' }).record(7)
  telemetry.meter.createUpDownCounter('demo_age_seconds', { unit: 's' }).add(3)
  const text = await telemetry.metrics()
  expect(text).toContain('target_info{service_name="demo",service_instance_id="a"} 1')
  expect(text).toContain('demo_messages_total{topic="x"} 2\n')
  expect(text).toContain('demo_duration_seconds_bucket{le="0.0025"} 0\n')
  expect(text).toContain('demo_duration_seconds_bucket{le="0.005"} 1\n')
  expect(text).toContain('demo_batch_size_bucket{le="10"} 1\n')
  expect(text).toContain('\ndemo_age_seconds 3\n')
  expect(text).not.toContain('otel_scope')
  await telemetry.close()
})

test('the process measures itself', async () => {
  const telemetry = startTelemetry({ service: 'demo', sampleRatio: 0 })
  const text = await telemetry.metrics()
  for (const name of [
    'process_cpu_time_seconds_total{cpu_mode="user"}',
    'process_cpu_time_seconds_total{cpu_mode="system"}',
    'process_memory_usage_bytes',
    'v8js_memory_heap_used_bytes',
    'nodejs_eventloop_delay_p99_seconds',
    'nodejs_eventloop_delay_max_seconds',
  ]) {
    expect(text).toMatch(new RegExp(`^${name.replaceAll(/[{}]/g, String.raw`\$&`)} [0-9.e-]+$`, 'm'))
  }
  await telemetry.close()
})

test('a trace that a caller records is recorded on, and one that it does not record is not', async () => {
  const telemetry = startTelemetry({ service: 'demo', sampleRatio: 0 })
  const ids = `${'a'.repeat(32)}-${'b'.repeat(16)}`
  const recorded = telemetry.tracer.startSpan('x', {}, contextOf(`00-${ids}-01`))
  expect(traceparent(recorded)).toMatch(new RegExp(`^00-${'a'.repeat(32)}-[0-9a-f]{16}-01$`))
  expect(telemetry.tracer.startSpan('x', {}, contextOf(`00-${ids}-00`)).isRecording()).toBe(false)
  expect(telemetry.tracer.startSpan('x').isRecording()).toBe(false)
  await telemetry.close()
})

test('of new traces as many begin as are to be recorded, and each of these is', async () => {
  const begun = async (sampleRatio: number) => {
    const telemetry = startTelemetry({ service: 'demo', sampleRatio })
    const spans = Array.from({ length: 10_000 }, () => telemetry.startTrace('x')).filter(
      (span) => span !== undefined,
    )
    await telemetry.close()
    expect(spans.every((span) => span.isRecording())).toBe(true)
    for (const span of spans.slice(0, 10)) expect(traceparent(span)).toMatch(/-01$/)
    return spans.length
  }
  expect(await begun(0)).toBe(0)
  expect(await begun(1)).toBe(10_000)
  // Twenty standard deviations.
  const some = await begun(0.25)
  expect(some).toBeGreaterThan(1_600)
  expect(some).toBeLessThan(3_400)
})

test('spans go to the collector, the last ones when it closes', async () => {
  const received: { path: string | undefined; bytes: number }[] = []
  const collector = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('end', () => {
      received.push({ path: request.url, bytes })
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const { port } = collector.address() as AddressInfo
  const telemetry = startTelemetry({
    service: 'demo',
    sampleRatio: 1,
    otlpEndpoint: `http://127.0.0.1:${port}/`,
  })
  telemetry.tracer.startSpan('work').end()
  await telemetry.close()
  expect(received).toEqual([{ path: '/v1/traces', bytes: expect.any(Number) as number }])
  collector.close()
})

test('a collector that is away does not keep the process from closing', async () => {
  const telemetry = startTelemetry({ service: 'demo', sampleRatio: 1, otlpEndpoint: 'http://127.0.0.1:1' })
  telemetry.tracer.startSpan('work').end()
  await expect(telemetry.close()).resolves.toBeUndefined()
})

test('tests can look at spans', async () => {
  const telemetry = testTelemetry()
  telemetry.tracer.startSpan('work').end()
  expect(telemetry.spans().map(({ name }) => name)).toEqual(['work'])
  await telemetry.close()
})
