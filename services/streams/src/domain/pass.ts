/** What a listener is let in by: who may hear which stream of which track until when. */
export interface Pass {
  /** One playback, from its start to its end. */
  readonly sessionId: string
  readonly trackId: string
  readonly listenerId: string
  readonly moderator: boolean
  /** Where the stream's objects lie: `media/` and 64 hexadecimal digits. */
  readonly media: string
  /** Of the stream; 0: of a pass from before it was told. */
  readonly durationMs: number
  /** Whose track it is; undefined: of a pass from before it was told, or nobody said. */
  readonly ownerId: string | undefined
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
}

const layout = 2
const prefix = 'media/'
/** By layout. Layout 1 ends with the digest. */
const lengths: Readonly<Record<number, number>> = {
  1: 1 + 1 + 4 + 3 * 16 + 32,
  2: 1 + 1 + 4 + 3 * 16 + 32 + 4 + 16,
}
const nobody = '00000000-0000-0000-0000-000000000000'

const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')

const uuidText = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** As bytes of one length, so that what is signed has one reading only. */
export const packPass = (pass: Pass): Buffer => {
  const head = Buffer.alloc(6)
  head.writeUInt8(layout, 0)
  head.writeUInt8(pass.moderator ? 1 : 0, 1)
  head.writeUInt32BE(pass.expiresAt, 2)
  const duration = Buffer.alloc(4)
  duration.writeUInt32BE(pass.durationMs)
  const bytes = Buffer.concat([
    head,
    ...[pass.sessionId, pass.trackId, pass.listenerId].map(uuidBytes),
    Buffer.from(pass.media.slice(prefix.length), 'hex'),
    duration,
    uuidBytes(pass.ownerId ?? nobody),
  ])
  if (bytes.length !== lengths[layout]) throw new RangeError('a pass names UUIDs and a digest')
  return bytes
}

/** undefined: of another layout. */
export const unpackPass = (bytes: Buffer): Pass | undefined => {
  const written = bytes[0] ?? 0
  if (bytes.length !== lengths[written]) return undefined
  const ownerId = written === 1 ? nobody : uuidText(bytes.subarray(90))
  return {
    sessionId: uuidText(bytes.subarray(6, 22)),
    trackId: uuidText(bytes.subarray(22, 38)),
    listenerId: uuidText(bytes.subarray(38, 54)),
    moderator: bytes[1] === 1,
    media: prefix + bytes.toString('hex', 54, 86),
    durationMs: written === 1 ? 0 : bytes.readUInt32BE(86),
    ownerId: ownerId === nobody ? undefined : ownerId,
    expiresAt: bytes.readUInt32BE(2),
  }
}
