import { setTimeout as pause } from 'node:timers/promises'
import { openCodec } from '@veza/kit/codec'
import { readEnv, url } from '@veza/kit/env'
import { createLog } from '@veza/kit/log'
import { type CatalogueProgress, openTracksOperations } from '@veza/tracks'
import { type Command, UsageError } from './command.ts'

const environment = {
  TRACKS_DATABASE_URL: url("tracks' PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
} as const

const lookMs = 2_000

const lineOf = ({ made, waiting, failed }: CatalogueProgress): string =>
  `${made} tracks have a stream by the recipe of today, ${waiting} wait for one, of ${failed} none could be made`

/** After recipe.version has been raised and the new workers run. Beside running services, as often as one likes. */
export const retranscode: Command = {
  name: 'retranscode',
  args: '[--again] [--detach]',
  doc: 'has every track made anew by the recipe of today, behind new uploads; --again: those too of which none could be made',
  async run(args, { env, print }) {
    const flags = new Set(args)
    const [again, detach] = [flags.delete('--again'), flags.delete('--detach')]
    if (flags.size > 0) throw new UsageError('--again, --detach, or neither')
    const settings = readEnv(environment, env)
    const log = createLog('ops', 'warn')
    const codec = await openCodec(settings.SCHEMA_REGISTRY_URL, log)
    const tracks = openTracksOperations(settings, { log, codec })
    try {
      const asked = await tracks.retranscode({
        again,
        onAsked: (sofar) => {
          print(`${sofar} tracks asked for`)
        },
      })
      if (asked === 0) print('no track had to be asked for')
      for (let told = ''; ;) {
        const progress = await tracks.catalogue()
        const line = lineOf(progress)
        if (line !== told) print(line)
        told = line
        if (detach || progress.waiting === 0) return progress.failed === 0
        await pause(lookMs)
      }
    } finally {
      await tracks.close()
    }
  },
}
