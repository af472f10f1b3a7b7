/**
 * `npm run bench -- chat [--rate 1667] [--seconds 60] [--sockets 1000] [--rooms 100] [--sdks 0] [--find-max] [--faults | --pairs]`,
 * `npm run bench -- sockets [--sockets 10000]`, `npm run bench -- fanout [--seconds 5] [--rooms 1|100]`,
 * `npm run bench -- http [--rate 500] [--seconds 60]`, `npm run bench -- events [--rate 2000] [--seconds 60] [--events 200000]`,
 * `npm run bench -- listeners [--listeners 1000] [--seconds 120] [--find-max]`,
 * `npm run bench -- transcode [--seconds 240] [--tracks 3]`, `npm run bench -- tracks [--rate 500] [--seconds 60] [--tracks 100000]`,
 * `npm run bench -- analytics [--reports 1000000]`, `npm run bench -- cache [--changes 1000] [--rate 400] [--seconds 15]`,
 * `npm run bench -- web [--messages 10000]` and
 * `npm run bench -- codec`: figures, as a table and as JSON in bench-results/.
 */
import { parseArgs } from 'node:util'
import { benchAnalytics } from './analytics.ts'
import { benchCache } from './cache.ts'
import { benchChat } from './chat.ts'
import { benchContractsCodec } from './codec.ts'
import { benchEvents } from './events.ts'
import { benchFanout } from './fanout.ts'
import { benchHttp } from './http.ts'
import { benchListeners } from './listeners.ts'
import { benchSockets } from './sockets.ts'
import { benchTracks } from './tracks.ts'
import { benchTranscode } from './transcode.ts'
import { benchWeb } from './web.ts'

const usage =
  'npm run bench -- chat [--rate 1667] [--seconds 60] [--sockets 1000] [--rooms 100] [--sdks 0] [--find-max] [--faults | --pairs]\n' +
  'npm run bench -- sockets [--sockets 10000]\n' +
  'npm run bench -- fanout [--seconds 5] [--rooms 1|100]\n' +
  'npm run bench -- http [--rate 500] [--seconds 60]\n' +
  'npm run bench -- events [--rate 2000] [--seconds 60] [--events 200000]\n' +
  'npm run bench -- listeners [--listeners 1000] [--seconds 120] [--find-max]\n' +
  'npm run bench -- transcode [--seconds 240] [--tracks 3]\n' +
  'npm run bench -- tracks [--rate 500] [--seconds 60] [--tracks 100000]\n' +
  'npm run bench -- analytics [--reports 1000000]\n' +
  'npm run bench -- cache [--changes 1000] [--rate 400] [--seconds 15]\n' +
  'npm run bench -- web [--messages 10000]\n' +
  'npm run bench -- codec\n'

const positive = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0)
    throw new Error(`--${name} must be a number above 0, not ${text}`)
  return value
}

const run = (): Promise<boolean> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rate: { type: 'string' },
      seconds: { type: 'string' },
      sockets: { type: 'string' },
      rooms: { type: 'string' },
      events: { type: 'string' },
      messages: { type: 'string' },
      sdks: { type: 'string' },
      listeners: { type: 'string' },
      tracks: { type: 'string' },
      reports: { type: 'string' },
      changes: { type: 'string' },
      'find-max': { type: 'boolean', default: false },
      faults: { type: 'boolean', default: false },
      pairs: { type: 'boolean', default: false },
    },
  })
  switch (positionals[0]) {
    case 'chat':
      return benchChat({
        rate: positive('rate', values.rate ?? '1667'),
        seconds: positive('seconds', values.seconds ?? '60'),
        sockets: Math.round(positive('sockets', values.sockets ?? '1000')),
        rooms: Math.round(positive('rooms', values.rooms ?? '100')),
        sdks: values.sdks === undefined ? 0 : Math.round(positive('sdks', values.sdks)),
        findMax: values['find-max'],
        faults: values.faults,
        pairs: values.pairs,
      })
    case 'fanout':
      return benchFanout({
        seconds: positive('seconds', values.seconds ?? '5'),
        rooms: values.rooms === undefined ? undefined : positive('rooms', values.rooms),
      })
    case 'sockets':
      return benchSockets({ sockets: Math.round(positive('sockets', values.sockets ?? '10000')) })
    case 'http':
      return benchHttp({
        rate: positive('rate', values.rate ?? '500'),
        seconds: positive('seconds', values.seconds ?? '60'),
      })
    case 'events':
      return benchEvents({
        rate: positive('rate', values.rate ?? '2000'),
        seconds: positive('seconds', values.seconds ?? '60'),
        batchEvents: Math.round(positive('events', values.events ?? '200000')),
      })
    case 'listeners':
      return benchListeners({
        listeners: Math.round(positive('listeners', values.listeners ?? '1000')),
        seconds: positive('seconds', values.seconds ?? '120'),
        findMax: values['find-max'],
      })
    case 'transcode':
      return benchTranscode({
        seconds: positive('seconds', values.seconds ?? '240'),
        tracks: Math.round(positive('tracks', values.tracks ?? '3')),
      })
    case 'tracks':
      return benchTracks({
        rate: positive('rate', values.rate ?? '500'),
        seconds: positive('seconds', values.seconds ?? '60'),
        tracks: Math.round(positive('tracks', values.tracks ?? '100000')),
      })
    case 'analytics':
      return benchAnalytics({ reports: Math.round(positive('reports', values.reports ?? '1000000')) })
    case 'cache':
      return benchCache({
        changes: positive('changes', values.changes ?? '1000'),
        rate: positive('rate', values.rate ?? '400'),
        seconds: positive('seconds', values.seconds ?? '15'),
      })
    case 'web':
      return benchWeb({ messages: Math.round(positive('messages', values.messages ?? '10000')) })
    case 'codec':
      return benchContractsCodec()
    default:
      throw new Error(`which bench?\n${usage}`)
  }
}

try {
  process.exitCode = (await run()) ? 0 : 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
