import { type LoadClient } from './client.ts'
import { histogram, latency } from './latency.ts'
import { type StormReport } from './plan.ts'

/** The first so many clients lose their connection at once. Told of what happens, it knows when all are back. */
export const createStorm = (sockets: number) => {
  const delivery = histogram()
  const ack = histogram()
  let beganAt: number | undefined
  let backAfterMs: number | undefined
  let away = 0

  const isBlowing = () => beganAt !== undefined && away > 0

  return {
    begin(clients: readonly LoadClient[]): void {
      if (beganAt !== undefined) return
      beganAt = performance.now()
      const struck = clients.slice(0, sockets)
      away = struck.length
      for (const client of struck) client.cut(true)
    },
    onResumed(client: number): void {
      if (!isBlowing() || client >= sockets) return
      away--
      if (away === 0) backAfterMs = performance.now() - (beganAt ?? 0)
    },
    /** @param micros from the message being due */
    onDelivery(client: number, micros: number): void {
      if (isBlowing() && client >= sockets) delivery.recordValue(micros)
    },
    onAck(client: number, micros: number): void {
      if (isBlowing() && client >= sockets) ack.recordValue(micros)
    },
    report: (): StormReport => ({
      sockets,
      backAfterMs,
      othersDelivery: latency(delivery),
      othersAck: latency(ack),
    }),
  }
}
