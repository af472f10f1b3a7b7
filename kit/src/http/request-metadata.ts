import { context } from '@opentelemetry/api'
import { type EventMetadata } from '../events/types.ts'
import { traceparent } from '../telemetry/index.ts'
import { type Identity } from '../tokens/index.ts'
import { type EdgeEnv } from './types.ts'

/**
 * What the request in hand says of the events that it brings about: who (the bearer, if any), from where, and the trace
 * that everything it sets off belongs to.
 */
export const requestMetadata = (c: {
  readonly var: EdgeEnv['Variables'] & { readonly identity?: Identity }
}): EventMetadata => ({
  actor: c.var.identity?.userId,
  address: c.var.clientAddress,
  correlation: c.var.traceId,
  traceparent: traceparent(context.active()),
})
