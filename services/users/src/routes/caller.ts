import { type BearerEnv, type IdempotencyEnv, Problem, requestMetadata } from '@veza/kit/http'
import { type Caller } from '../commands/deps.ts'

type BehindBearer = Parameters<typeof requestMetadata>[0] & {
  readonly var: BearerEnv['Variables'] & IdempotencyEnv['Variables']
}

/** Who asks, of a request behind `bearer`. */
export const callerOf = (c: BehindBearer): Caller => {
  const { userId, name, signedInAt } = c.var.identity
  return { userId, name, signedInAt, metadata: requestMetadata(c), idempotencyKey: c.var.idempotencyKey }
}

interface WithHeaders {
  readonly req: { header(name: string): string | undefined }
}

/** The version that the client saw, of If-Match; undefined when it did not say. `*` is any. */
export const expectedVersionOf = (c: WithHeaders): number | undefined => {
  const header = c.req.header('if-match')?.trim()
  if (header === undefined || header === '*') return undefined
  const [, version] = /^(?:W\/)?"(\d{1,15})"$/.exec(header) ?? []
  if (version === undefined)
    throw new Problem(400, 'invalid-request', 'If-Match must be an ETag of this resource')
  return Number(version)
}

/** The ETag of a version. */
export const etagOf = (version: number): string => `"${version}"`
