import { context } from '@opentelemetry/api'
import { type EventMetadata } from '@veza/kit/events'
import { traceparent } from '@veza/kit/telemetry'
import { type Identity } from '@veza/kit/tokens'

/**
 * What the audit keeps of a request: who, and the trace that it belongs to. Not from where: an address is personal, events
 * are kept for ever, and chat has no key to seal it with.
 */
export const metadataOf = (c: {
  readonly var: { readonly identity: Identity; readonly traceId: string | undefined }
}): EventMetadata => ({
  actor: c.var.identity.userId,
  correlation: c.var.traceId,
  traceparent: traceparent(context.active()),
})
