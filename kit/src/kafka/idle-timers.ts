import { createRequire } from 'node:module'

interface RequestQueue {
  readonly pending: readonly unknown[]
  throttleCheckTimeoutId: NodeJS.Timeout | null
  scheduleCheckPendingRequests(): void
}

/**
 * kafkajs 2.2.4 arms a timer on every idle connection with a time-out in the past, which fires after 1 ms and arms the
 * next: a thousand wake-ups a second and connection (tulios/kafkajs#1704), and a TimeoutNegativeWarning on Node 24
 * (#1751). A queue in which nothing waits needs no timer: `push` arms it when something does.
 */
export function stopIdleTimers(): void {
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue }
  const original = Reflect.get(prototype, 'scheduleCheckPendingRequests')
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) original.call(this)
  }
}
