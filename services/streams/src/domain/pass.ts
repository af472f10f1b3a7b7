/** What a listener is let in by: who may hear which stream of which track until when. */
export interface Pass {
  /** One playback, from its start to its end. */
  readonly sessionId: string
  readonly trackId: string
  readonly listenerId: string
  readonly moderator: boolean
  /** Where the stream's objects lie: `media/` and 64 hexadecimal digits. */
  readonly media: string
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
}

const layout = 1
const prefix = 'media/'
const length = 1 + 1 + 4 + 3 * 16 + 32

const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')

const uuidText = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** As bytes of one length, so that what is signed has one reading only. */
export const packPass = (pass: Pass): Buffer => {
  const head = Buffer.alloc(6)
  head.writeUInt8(layout, 0)
  head.writeUInt8(pass.moderator ? 1 : 0, 1)
  head.writeUInt32BE(pass.expiresAt, 2)
  const bytes = Buffer.concat([
    head,
    ...[pass.sessionId, pass.trackId, pass.listenerId].map(uuidBytes),
    Buffer.from(pass.media.slice(prefix.length), 'hex'),
  ])
  if (bytes.length !== length) throw new RangeError('a pass names UUIDs and a digest')
  return bytes
}

/** undefined: of another layout. */
export const unpackPass = (bytes: Buffer): Pass | undefined => {
  if (bytes.length !== length || bytes[0] !== layout) return undefined
  return {
    sessionId: uuidText(bytes.subarray(6, 22)),
    trackId: uuidText(bytes.subarray(22, 38)),
    listenerId: uuidText(bytes.subarray(38, 54)),
    moderator: bytes[1] === 1,
    media: prefix + bytes.toString('hex', 54),
    expiresAt: bytes.readUInt32BE(2),
  }
}
