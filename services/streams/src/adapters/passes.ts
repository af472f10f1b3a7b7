import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Pass, packPass, unpackPass } from '../domain/pass.ts'
import { Rejection } from '../domain/rejection.ts'

/** Passes as text that fits in a path, signed. */
export interface Passes {
  write(pass: Pass): string
  /** @throws Rejection `session-invalid`, `session-expired` */
  read(text: string): Pass
  /** One that was read lately and has not expired; undefined: read it. */
  known(text: string): Pass | undefined
}

const macLength = 16
/** Passes that were looked at lately: each comes again with every segment, some 600 bytes each. */
const mostKnown = 20_000

/** The key is derived from a secret of the platform's own, so that no further one must be kept. */
export const passes = (secret: string, now: () => Date): Passes => {
  const key = createHmac('sha256', secret).update('streams: passes, layout 1').digest()
  const macOf = (bytes: Buffer): Buffer =>
    createHmac('sha256', key).update(bytes).digest().subarray(0, macLength)

  const verified = (text: string): Pass => {
    const whole = Buffer.from(text.slice(0, 256), 'base64url')
    const bytes = whole.subarray(0, -macLength)
    const mac = whole.subarray(-macLength)
    // One spelling only: base64 has several for the same bytes.
    if (
      whole.length <= macLength ||
      whole.toString('base64url') !== text ||
      !timingSafeEqual(mac, macOf(bytes))
    )
      throw new Rejection('session-invalid')
    const pass = unpackPass(bytes)
    if (pass === undefined) throw new Rejection('session-invalid')
    return pass
  }
  const isOver = ({ expiresAt }: Pass): boolean => expiresAt * 1000 <= now().getTime()
  const known = new LRUCache<string, Pass>({ max: mostKnown })

  return {
    write(pass) {
      const bytes = packPass(pass)
      return Buffer.concat([bytes, macOf(bytes)]).toString('base64url')
    },
    read(text) {
      const pass = known.get(text) ?? verified(text)
      if (isOver(pass)) throw new Rejection('session-expired')
      known.set(text, pass)
      return pass
    },
    known(text) {
      const pass = known.get(text)
      return pass === undefined || isOver(pass) ? undefined : pass
    },
  }
}
