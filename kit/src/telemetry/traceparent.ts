import { type Context, type Span, ROOT_CONTEXT, isSpanContextValid, trace } from '@opentelemetry/api'

// W3C Trace Context, section 3.2: version 00, 16 bytes trace id, 8 bytes parent id, flags. Later versions may append.
const pattern = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

const isSpan = (source: Span | Context): source is Span => 'spanContext' in source

/** The W3C header that carries this span (or the context's span) to another process; undefined when there is none. */
export const traceparent = (source: Span | Context): string | undefined => {
  const span = isSpan(source) ? source.spanContext() : trace.getSpanContext(source)
  if (span === undefined || !isSpanContextValid(span)) return undefined
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`
}

/** The context to be the parent of this process's spans. A header that is missing or malformed starts a new trace. */
export const contextOf = (header: string | undefined): Context => {
  const [, version, traceId, spanId, flags, rest] = pattern.exec(header ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT
  if (version === '00' && rest !== undefined) return ROOT_CONTEXT
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  return isSpanContextValid(remote) ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT
}
