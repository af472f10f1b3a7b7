import { type WorstSecond } from './plan.ts'

const shown = 5

/** Keeps the latest delivery and acknowledgement of each second. */
export const createSeconds = (count: number) => {
  const delivery = new Float64Array(count)
  const ack = new Float64Array(count)
  const note = (values: Float64Array, second: number, micros: number) => {
    if (micros > (values[second] ?? Infinity)) values[second] = micros
  }
  return {
    /** @param micros from the message being due in that second */
    onDelivery(second: number, micros: number): void {
      note(delivery, second, micros)
    },
    onAck(second: number, micros: number): void {
      note(ack, second, micros)
    },
    worst: (): WorstSecond[] =>
      Array.from(delivery, (micros, second) => ({
        second,
        delivery: micros / 1000,
        ack: (ack[second] ?? 0) / 1000,
      }))
        .sort((a, b) => b.delivery - a.delivery)
        .slice(0, shown),
  }
}
