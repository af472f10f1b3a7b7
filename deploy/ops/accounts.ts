import { type AuthOperations, authPartsEnvironment, openAuthOperations } from '@veza/auth'
import { openCodec } from '@veza/kit/codec'
import { readEnv, url } from '@veza/kit/env'
import { createLog } from '@veza/kit/log'
import { open } from 'node:fs/promises'
import { type Command, type CommandIo, UsageError } from './command.ts'

const environment = {
  ...authPartsEnvironment,
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
}

export const withAccounts = async <T>(
  { env }: CommandIo,
  use: (accounts: AuthOperations) => Promise<T>,
): Promise<T> => {
  const settings = readEnv(environment, env)
  const log = createLog('ops', 'warn')
  const codec = await openCodec(settings.SCHEMA_REGISTRY_URL, log)
  const accounts = await openAuthOperations(settings, { log, codec })
  try {
    return await use(accounts)
  } finally {
    await accounts.close()
  }
}

const isRole = (text: string | undefined): text is 'moderator' | 'admin' =>
  text === 'moderator' || text === 'admin'

/** How the first administrator comes to be. */
export const grantRole: Command = {
  name: 'grant-role',
  args: '<email> moderator|admin',
  doc: 'gives a role to the account with this address',
  run([email, role, ...more], io) {
    if (email === undefined || !isRole(role) || more.length > 0) throw new UsageError('an address and a role')
    return withAccounts(io, async (accounts) => {
      try {
        const granted = await accounts.grantRole({ email, role })
        io.print(`${granted.userId} has the roles ${granted.roles.join(', ')}`)
        return true
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'no-such-account')
          throw new Error(`no account has the address ${email}`, { cause: error })
        throw error
      }
    })
  },
}

/** Can be broken off and run again. */
export const importUsers: Command = {
  name: 'import-users',
  args: '<file.ndjson>',
  doc: 'imports the accounts of another platform, one JSON object a line; can be run again',
  run([path, ...more], io) {
    if (path === undefined || more.length > 0) throw new UsageError('a file')
    return withAccounts(io, async (accounts) => {
      const file = await open(path)
      try {
        const report = await accounts.importUsers(file.readLines({ encoding: 'utf8' }), {
          problem: ({ line, reason }) => {
            io.warn(`line ${line}: ${reason}`)
          },
          progress: ({ imported, present, refused }) => {
            io.print(`${imported} imported, ${present} were here, ${refused} refused`)
          },
        })
        return report.refused === 0
      } finally {
        await file.close()
      }
    })
  },
}

/** After a restore, or a statement that was meant for another table. Beside running services, as often as one likes. */
export const rebuildAccounts: Command = {
  name: 'rebuild-accounts',
  args: '',
  doc: 'makes the rows of accounts and their outside identities anew from events; passwords and sessions stay',
  run(args, io) {
    if (args.length > 0) throw new UsageError('no arguments')
    return withAccounts(io, async (operations) => {
      const { accounts, mended } = await operations.rebuildAccounts((done) => {
        io.print(`${done} accounts`)
      })
      io.print(`${mended} of ${accounts} accounts were not as their events have it, and are now`)
      return true
    })
  },
}
