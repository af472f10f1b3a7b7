import { benchCodec } from '@veza/contracts/bench'
import { startInfrastructure } from '@veza/deploy/launcher'
import { programsDir, temporaryDataDir } from '../stack/data-dir.ts'
import { say, table, writeResult } from './output.ts'

const withRegistry = async <T>(use: (registryUrl: string) => Promise<T>): Promise<T> => {
  const given = process.env['SCHEMA_REGISTRY_URL']
  if (given !== undefined && given !== '') return use(given)
  const dataDir = temporaryDataDir()
  try {
    const infrastructure = await startInfrastructure({
      dataDir: dataDir.path,
      programsDir,
      ports: 'random',
      progress: say,
    })
    try {
      return await use(infrastructure.registryUrl)
    } finally {
      await infrastructure.stop()
    }
  } finally {
    dataDir.remove()
  }
}

/** The codec beside bare avsc and the registry's own serializer. */
export const benchContractsCodec = async (): Promise<boolean> => {
  const rows = await withRegistry((registryUrl) => benchCodec(registryUrl))
  const bare = (name: string) => rows.find((row) => row.name === `${name.split(',')[0] ?? ''}, bare avsc`)
  const compared = rows.map(({ name, opsPerSecond }) => ({
    name,
    opsPerSecond,
    timesBare: Number((opsPerSecond / (bare(name)?.opsPerSecond ?? opsPerSecond)).toFixed(2)),
  }))
  table(
    ['codec', 'operations/s', 'of bare avsc'],
    compared.map(({ name, opsPerSecond, timesBare }) => [name, opsPerSecond, timesBare]),
  )
  writeResult('codec', { rows: compared })
  return true
}
