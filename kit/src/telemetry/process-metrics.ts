import { type Meter } from '@opentelemetry/api'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const nanoseconds = 1e-9

/**
 * Observes this process: CPU time, resident memory, uptime, heap, event loop delay since the last collection. Names are those
 * of OpenTelemetry's semantic conventions for processes and Node.js.
 *
 * @returns stops observing
 */
export const observeProcess = (meter: Meter): (() => void) => {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()

  const cpu = meter.createObservableCounter('process.cpu.time', {
    unit: 's',
    description: 'CPU time used by the process',
  })
  const resident = meter.createObservableGauge('process.memory.usage', {
    unit: 'By',
    description: 'Resident memory of the process',
  })
  const uptime = meter.createObservableGauge('process.uptime', {
    unit: 's',
    description: 'How long the process has been running',
  })
  const heap = meter.createObservableGauge('v8js.memory.heap.used', {
    unit: 'By',
    description: 'JavaScript heap in use',
  })
  const delayP99 = meter.createObservableGauge('nodejs.eventloop.delay.p99', {
    unit: 's',
    description: 'Event loop delay since the last collection, 99th percentile',
  })
  const delayMax = meter.createObservableGauge('nodejs.eventloop.delay.max', {
    unit: 's',
    description: 'Event loop delay since the last collection, maximum',
  })

  meter.addBatchObservableCallback(
    (result) => {
      const { user, system } = process.cpuUsage()
      result.observe(cpu, user / 1e6, { 'cpu.mode': 'user' })
      result.observe(cpu, system / 1e6, { 'cpu.mode': 'system' })
      const memory = process.memoryUsage()
      result.observe(resident, memory.rss)
      result.observe(uptime, process.uptime())
      result.observe(heap, memory.heapUsed)
      result.observe(delayP99, delay.percentile(99) * nanoseconds)
      result.observe(delayMax, delay.max * nanoseconds)
      delay.reset()
    },
    [cpu, resident, uptime, heap, delayP99, delayMax],
  )
  return () => {
    delay.disable()
  }
}
