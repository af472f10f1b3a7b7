/** What the headers of a record say: CloudEvents 1.0 attributes, Kafka protocol binding, binary mode. */
export interface EventHeaders {
  /** Unique per source. A repetition of the same event has the same id. */
  id: string
  /** The record's name, such as `MessagePosted`. */
  type: string
  /** Who wrote it, such as `/chat-fanout`. */
  source: string
  /** When it happened; a number is milliseconds since the Unix epoch. */
  time: Date | number
  /** What it is about: the stream of an event-sourced entity. */
  subject?: string | undefined
  /** Its version in that stream, from 1, dense. A reader that has seen it, or a later one, has seen a repetition. */
  sequence?: number | undefined
  /** W3C Trace Context of the span that wrote it. */
  traceparent?: string | undefined
}

let lastTime = Number.NaN
let lastText = ''

/** RFC 3339. Events of one moment, thousands of them in a batch, share the text. */
function timeText(time: Date | number): string {
  const milliseconds = Number(time)
  if (milliseconds !== lastTime) {
    lastText = new Date(milliseconds).toISOString()
    lastTime = milliseconds
  }
  return lastText
}

/** Kafka headers of an event. @throws RangeError when `time` is no time. */
export function toHeaders(event: EventHeaders): Record<string, string> {
  const { id, type, source, time, subject, sequence, traceparent } = event
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: id,
    ce_type: type,
    ce_source: source,
    ce_time: timeText(time),
    'content-type': 'application/avro',
  }
  if (subject !== undefined) headers['ce_subject'] = subject
  if (sequence !== undefined) headers['ce_sequence'] = String(sequence)
  if (traceparent !== undefined) headers['traceparent'] = traceparent
  return headers
}

/** A header's text, whether the client library gives bytes or a string; undefined when it is absent. */
export function readHeader(
  headers: Readonly<Record<string, Buffer | string | undefined>>,
  name: string,
): string | undefined {
  return headers[name]?.toString()
}
