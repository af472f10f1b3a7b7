import { type Veza } from '@veza/deploy/launcher'
import { setTimeout as delay } from 'node:timers/promises'
import { inParallel, register } from '../support/api.ts'
import { startOwnVeza } from '../stack/veza.ts'
import { type Helper, startHelper } from './helper.ts'
import { type LoadOrder } from './http-generator.ts'
import { people } from './http-mix.ts'
import { type Caller, type Figures, print } from './http-load.ts'
import { measure, report, warmupSeconds } from './measure.ts'
import { say, writeResult } from './output.ts'
import { residentMiB } from './processes.ts'
import { send } from './requests.ts'
import { type SignInNews, type SignInOrder } from './sign-ins.ts'

/** What is asked of the HTTP bench. */
export interface HttpBench {
  /** Requests a second, all kinds together, started on time whether the ones before are answered or not. */
  readonly rate: number
  readonly seconds: number
}

const signIns = 200
/** Half a second before they come, and until they are answered. */
const stormSeconds = 3
/** One after the other, before the crowd comes. */
const signInsBefore = 20

/** Everybody signs in at once; meanwhile others read. Memory is the HTTP process's, MiB. */
const storm = async (
  veza: Veza,
  o: { generator: Helper<LoadOrder, Figures[]>; emails: readonly string[]; password: string },
) => {
  const { http } = veza.endpoints
  const crowd = startHelper<SignInOrder, SignInNews>('sign-ins.ts')
  const order = { http, password: o.password, emails: o.emails }
  const resident = () => residentMiB(veza.processes.http.pid ?? 0)
  try {
    await crowd.ask({ ...order, before: signInsBefore, atOnce: 0 })
    const before = resident()
    let peak = before
    const looking = setInterval(() => (peak = Math.max(peak, resident())), 20)
    const measuring = await measure(veza, { 'load generator': o.generator.pid, crowd: crowd.pid })
    const reads = o.generator.ask({ http, rate: 100, seconds: stormSeconds, mix: 'reads' })
    await delay(500)
    const signedIn = await crowd.ask({ ...order, before: 0, atOnce: signIns })
    const figures = await reads
    clearInterval(looking)
    const measured = await measuring.stop()
    return { ...signedIn, memory: { before, peak, after: resident() }, reads: figures, measured }
  } finally {
    await crowd.stop()
  }
}

/** @returns whether nothing failed */
export const benchHttp = async ({ rate, seconds }: HttpBench): Promise<boolean> => {
  const veza = await startOwnVeza('bench', { USERS_EXPORT_PAUSE: '1h', ATTEMPTS_PER_ADDRESS: '1000000' })
  const generator = startHelper<LoadOrder, Figures[]>('http-generator.ts')
  try {
    const { http } = veza.endpoints
    const password = 'correct horse battery 7'
    const callers = await inParallel(4, Array.from({ length: people }), async (_, n): Promise<Caller> => {
      const email = `bench-${n}@example.org`
      const person = await register(http, `Person ${n}`, { email, password })
      await send(http, 'GET', '/v1/users/me', { token: person.token })
      return { person, email, isRefreshing: false }
    })
    say(`${people} people; warming up for ${warmupSeconds} s`)
    await generator.ask({ http, callers, rate, seconds: warmupSeconds, mix: 'people' })
    const measuring = await measure(veza, { 'load generator': generator.pid })
    const mixed = await generator.ask({ http, rate, seconds, mix: 'people' })
    const mixedMeasured = await measuring.stop()
    say(`\n${rate} requests a second for ${seconds} s`)
    print(mixed)
    report(mixedMeasured)

    const crowd = await storm(veza, { generator, password, emails: callers.map(({ email }) => email) })
    const { statuses, milliseconds, memory, reads, measured } = crowd
    say(
      `\n${signIns} sign-ins at once: ${JSON.stringify(statuses)} in ${milliseconds} ms; meanwhile 100 reads a second`,
    )
    print(reads)
    say(`memory of http, MiB: ${memory.before} before, ${memory.peak} at most, ${memory.after} after`)
    report(measured)
    writeResult('http', { rate, seconds, mixed, mixedMeasured, crowd })
    return [...mixed, ...reads].every(({ failed }) => failed === 0)
  } finally {
    await generator.stop()
    await veza.stop()
  }
}
