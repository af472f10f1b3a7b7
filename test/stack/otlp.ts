/** Reads traces as OpenTelemetry's exporters send them: OTLP over HTTP, protobuf (opentelemetry-proto, trace/v1). */

/** A finished span. Ids are lower-case hex. */
export interface CollectedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root. */
  readonly parentSpanId: string
  readonly name: string
  /** Of the spans that it names instead of, or beside, its parent. */
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
}

type Fields = ReadonlyMap<number, readonly Buffer[]>

/** The length-delimited fields of a message, by number. Others are passed over. */
const fieldsOf = (message: Buffer): Fields => {
  const fields = new Map<number, Buffer[]>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const key = varint()
    switch (key & 7) {
      case 0:
        varint()
        break
      case 1:
        at += 8
        break
      case 2: {
        const length = varint()
        const number = Math.floor(key / 8)
        fields.set(number, [...(fields.get(number) ?? []), message.subarray(at, at + length)])
        at += length
        break
      }
      case 5:
        at += 4
        break
      default:
        throw new Error(`wire type ${key & 7} at ${at}`)
    }
  }
  return fields
}

const empty = Buffer.alloc(0)
const first = (fields: Fields, number: number): Buffer => fields.get(number)?.[0] ?? empty
const all = (fields: Fields, number: number): Fields[] => (fields.get(number) ?? []).map(fieldsOf)

/** The string attributes of a Resource. */
const attributesOf = (resource: Buffer): ReadonlyMap<string, string> =>
  new Map(
    all(fieldsOf(resource), 1).map((attribute) => [
      first(attribute, 1).toString(),
      first(fieldsOf(first(attribute, 2)), 1).toString(),
    ]),
  )

/** Spans of an ExportTraceServiceRequest. */
export const readTraces = (body: Buffer): CollectedSpan[] =>
  all(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const service = attributesOf(first(resourceSpans, 1)).get('service.name') ?? ''
    return all(resourceSpans, 2)
      .flatMap((scopeSpans) => all(scopeSpans, 2))
      .map((span) => ({
        service,
        traceId: first(span, 1).toString('hex'),
        spanId: first(span, 2).toString('hex'),
        parentSpanId: first(span, 4).toString('hex'),
        name: first(span, 5).toString(),
        links: all(span, 13).map((link) => ({
          traceId: first(link, 1).toString('hex'),
          spanId: first(link, 2).toString('hex'),
        })),
      }))
  })
