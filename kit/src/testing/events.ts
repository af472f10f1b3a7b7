import { type CommandRefused, topics } from '@veza/contracts'

/** A topic and a record of it for tests of what stores and moves events, whatever they say. */
export const testTopic = { ...topics.notifications, records: ['CommandRefused'] } as const
export type TestTopic = typeof testTopic

/** An event that carries a text and a number. */
export const testEvent = (text: string, n = 0): { type: 'CommandRefused'; value: CommandRefused } => ({
  type: 'CommandRefused',
  value: { userId: 'u', roomId: 'r', clientMessageId: 'c', code: text, refusedAt: n },
})
