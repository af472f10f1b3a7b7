import { type ChildFailed, startVeza, type Veza } from '@veza/deploy/launcher'
import { programsDir, temporaryDataDir } from './data-dir.ts'

const givenByEnvironment = new Set(['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'])

/**
 * A whole Veza on ports and data of its own, infrastructure included: its topics have fixed names, so no two can share
 * a broker. `stop` deletes the data too.
 *
 * @param settings of the processes, beside what follows from the stack
 */
export const startOwnVeza = async (
  name: string,
  settings: Readonly<Record<string, string>> = {},
  onCrash?: (failure: ChildFailed) => void,
): Promise<Veza & { readonly dataDir: string }> => {
  const dataDir = temporaryDataDir()
  const inherited = Object.entries(process.env).filter(([key]) => !givenByEnvironment.has(key))
  const progress = (line: string) => {
    process.stderr.write(`${name}: ${line}\n`)
  }
  try {
    const veza = await startVeza({
      dataDir: dataDir.path,
      programsDir,
      ports: 'random',
      env: { ...Object.fromEntries(inherited), ...settings },
      progress,
      ...(onCrash === undefined ? {} : { onCrash }),
    })
    return {
      ...veza,
      dataDir: dataDir.path,
      async stop() {
        await veza.stop()
        dataDir.remove()
      },
    }
  } catch (error) {
    dataDir.remove()
    throw error
  }
}
