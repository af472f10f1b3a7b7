import { type EnvironmentSpec, readEnv, url } from '@veza/kit/env'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import {
  type KeyEncryption,
  keyEncryptionEnvironment,
  openKeyEncryption,
  rewrapDataKeys,
} from '@veza/kit/sealing'
import { type Command, type CommandIo, UsageError } from './command.ts'

const database = (context: string) =>
  url(`${context}'s database`, undefined, { schemes: ['postgres', 'postgresql'] })

/** Those that keep data keys, by the setting that names their database. */
const contexts = {
  AUTH_DATABASE_URL: 'auth',
  USERS_DATABASE_URL: 'users',
  CHAT_DATABASE_URL: 'chat',
  TRACKS_DATABASE_URL: 'tracks',
} as const
type Setting = keyof typeof contexts

const environment = {
  ...keyEncryptionEnvironment,
  AUTH_DATABASE_URL: database('auth'),
  USERS_DATABASE_URL: database('users'),
  CHAT_DATABASE_URL: database('chat'),
  TRACKS_DATABASE_URL: database('tracks'),
} satisfies EnvironmentSpec & Record<Setting, unknown>

const log = createLog('ops', 'warn')

/** @returns false when keys are left that no given key-encryption key opens */
const rewrapContext = async (
  context: string,
  databaseUrl: string,
  keyEncryption: KeyEncryption,
  { print, warn }: CommandIo,
): Promise<boolean> => {
  const { db, close } = openDatabase(databaseUrl, { applicationName: 'ops', poolSize: 1, log })
  try {
    const { current, rewrapped, left } = await rewrapDataKeys(db, keyEncryption, {
      progress: (done) => {
        print(`${context}: ${done} keys`)
      },
    })
    print(`${context}: ${rewrapped} keys wrapped anew under ${current}`)
    for (const [kek, count] of Object.entries(left))
      warn(`${context}: ${count} keys need ${kek}, which is not given or does not open them`)
    return Object.keys(left).length === 0
  } finally {
    await close()
  }
}

/** After a change of the key-encryption key; beside running services, and as often as one likes. */
export const rewrapKeys: Command = {
  name: 'rewrap-keys',
  args: '',
  doc: "wraps people's data keys under the key-encryption key of now",
  async run(args, io) {
    if (args.length > 0) throw new UsageError('no arguments')
    const env = readEnv(environment, io.env)
    const keyEncryption = openKeyEncryption(env, log)
    try {
      let isWhole = true
      for (const [setting, context] of Object.entries(contexts) as [Setting, string][])
        isWhole = (await rewrapContext(context, env[setting], keyEncryption, io)) && isWhole
      return isWhole
    } finally {
      keyEncryption.close()
    }
  },
}
