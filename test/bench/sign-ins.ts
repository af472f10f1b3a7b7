/**
 * A crowd that signs in at once, in a process of its own: made in the one that measures, two hundred requests would keep it
 * from sending the others in time.
 */
import { send } from './requests.ts'

/** What the crowd is told. */
export interface SignInOrder {
  /** Base URL. */
  readonly http: string
  readonly emails: readonly string[]
  readonly password: string
  /** Sent one after the other before the crowd comes; by then the code is hot. */
  readonly before: number
  readonly atOnce: number
}

/** What became of them. */
export interface SignInNews {
  /** How often each status was answered. */
  readonly statuses: Readonly<Record<number, number>>
  readonly milliseconds: number
}

process.on('message', (order: SignInOrder) => {
  const signIn = async (n: number): Promise<number> => {
    const body = { email: order.emails[n % order.emails.length], password: order.password }
    return (await send(order.http, 'POST', '/v1/auth/login', { body })).status
  }
  const run = async (): Promise<SignInNews> => {
    for (let n = 0; n < order.before; n++) await signIn(n)
    const began = performance.now()
    const statuses: Record<number, number> = {}
    for (const status of await Promise.all(Array.from({ length: order.atOnce }, (_, n) => signIn(n))))
      statuses[status] = (statuses[status] ?? 0) + 1
    return { statuses, milliseconds: Math.round(performance.now() - began) }
  }
  void run().then((news) => process.send?.(news))
})
