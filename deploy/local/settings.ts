import { integer, readEnv, type Setting, string } from '@veza/kit/env'
import { join } from 'node:path'
import { type PortName, type PortSetting, processes, programs } from '../stack.ts'

const root = join(import.meta.dirname, '../..')

const ports: readonly { readonly setting: PortSetting; readonly of: string }[] = [
  { setting: programs.postgres.port, of: 'PostgreSQL' },
  { setting: programs.kafka.port, of: 'Kafka' },
  { setting: programs.registry.port, of: 'the schema registry' },
  { setting: programs.redis.port, of: 'Redis' },
  ...processes.flatMap(({ name, publicPort, internalPort }) => [
    ...(publicPort === undefined ? [] : [{ setting: publicPort, of: name }]),
    { setting: internalPort, of: `${name}'s probes and metrics` },
  ]),
]

const portSpec: Readonly<Record<string, Setting<number>>> = Object.fromEntries(
  ports.map(({ setting, of }) => [
    setting.setting,
    integer(`the port of ${of}; 0 = any free one`, setting.default, { max: 65_535 }),
  ]),
)

const spec = {
  VEZA_DIR: string('the folder that holds all local state', join(root, '.veza')),
}

export interface LauncherSettings {
  readonly dataDir: string
  readonly programsDir: string
  readonly ports: Readonly<Partial<Record<PortName, number>>>
}

/**
 * What the commands `npm start` and `npm run reset` are told by the environment.
 * @throws EnvironmentError
 */
export const readSettings = (env: NodeJS.ProcessEnv): LauncherSettings => ({
  dataDir: readEnv(spec, env).VEZA_DIR,
  // Shared by data folders: it holds nothing but what Maven can fetch again.
  programsDir: join(root, '.veza/programs'),
  ports: readEnv(portSpec, env),
})
