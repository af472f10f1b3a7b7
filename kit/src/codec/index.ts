import { setTimeout as delay } from 'node:timers/promises'
import { type Codec, connectCodec, RegistryUnavailable } from '@veza/contracts'
import { type Logger } from '../log/index.ts'

const pauseMs = 1000

/**
 * The contracts' codec, as soon as the registry answers: a process that starts while it is away waits instead of
 * ending. Rejects only with what waiting does not mend, such as a schema that is not registered.
 */
export const openCodec = async (registryUrl: string, log: Pick<Logger, 'warn'>): Promise<Codec> => {
  for (;;) {
    try {
      return await connectCodec(registryUrl)
    } catch (error) {
      if (!(error instanceof RegistryUnavailable)) throw error
      log.warn({ err: error }, 'waiting for the schema registry')
      await delay(pauseMs)
    }
  }
}
