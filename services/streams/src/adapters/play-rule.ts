import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type PlayRule } from '../domain/play-rule.ts'

const above = z.number().positive()
const shape = z.strictObject({
  version: z.int().min(1),
  play: z.strictObject({ seconds: above, shareOfTrack: above.max(1) }),
  report: z.strictObject({ creditSeconds: above, slackSeconds: above, fastest: above.min(1) }),
  apart: z.strictObject({ withinSeconds: above, listenerPlaySeconds: above, addressPlays: above }),
  lateHours: z.int().min(1),
  trending: z.strictObject({ halfLifeHours: above, windowHours: z.int().min(1) }),
})

/** The newest: another one is another file, and another version of the read model, which a replay makes. */
const newest = 1

/** Reads `services/streams/rules/plays.v<N>.json`. Throws when it is none. */
export const readPlayRule = (version = newest): PlayRule => {
  const path = join(import.meta.dirname, '..', '..', 'rules', `plays.v${version}.json`)
  const rule = shape.parse(JSON.parse(readFileSync(path, 'utf8')))
  if (rule.version !== version) throw new Error(`${path} says that it is version ${rule.version}`)
  return rule
}

export const playRule = readPlayRule()
