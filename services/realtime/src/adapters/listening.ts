import { type Codec, topics } from '@veza/contracts'
import { type Listeners } from '../listeners.ts'
import { type Reader, createReader } from './reader.ts'

/** Counts who hears the tracks that somebody here follows. */
export const readListening = (codec: Codec, listeners: Pick<Listeners, 'has' | 'heard'>): Reader =>
  createReader(
    codec,
    topics.listeningEvents,
    (trackId) => listeners.has(trackId),
    ({ value }) => {
      listeners.heard(value)
    },
  )
