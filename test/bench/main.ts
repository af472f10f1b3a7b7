/**
 * `npm run bench -- chat [--rate 1667] [--seconds 60] [--sockets 1000] [--rooms 100] [--find-max] [--faults]`,
 * `npm run bench -- http [--rate 500] [--seconds 60]`, `npm run bench -- events [--rate 2000] [--seconds 60]` and
 * `npm run bench -- codec`: figures, as a table and as JSON in bench-results/.
 */
import { parseArgs } from 'node:util'
import { benchChat } from './chat.ts'
import { benchContractsCodec } from './codec.ts'
import { benchEvents } from './events.ts'
import { benchHttp } from './http.ts'

const usage =
  'npm run bench -- chat [--rate 1667] [--seconds 60] [--sockets 1000] [--rooms 100] [--find-max] [--faults]\n' +
  'npm run bench -- http [--rate 500] [--seconds 60]\n' +
  'npm run bench -- events [--rate 2000] [--seconds 60]\n' +
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
      seconds: { type: 'string', default: '60' },
      sockets: { type: 'string', default: '1000' },
      rooms: { type: 'string', default: '100' },
      'find-max': { type: 'boolean', default: false },
      faults: { type: 'boolean', default: false },
    },
  })
  switch (positionals[0]) {
    case 'chat':
      return benchChat({
        rate: positive('rate', values.rate ?? '1667'),
        seconds: positive('seconds', values.seconds),
        sockets: Math.round(positive('sockets', values.sockets)),
        rooms: Math.round(positive('rooms', values.rooms)),
        findMax: values['find-max'],
        faults: values.faults,
      })
    case 'http':
      return benchHttp({
        rate: positive('rate', values.rate ?? '500'),
        seconds: positive('seconds', values.seconds),
      })
    case 'events':
      return benchEvents({
        rate: positive('rate', values.rate ?? '2000'),
        seconds: positive('seconds', values.seconds),
      })
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
