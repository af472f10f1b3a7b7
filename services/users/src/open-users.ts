import { type Codec } from '@veza/contracts'
import { auditOf, mountAuditSource } from '@veza/kit/audit'
import { type Caches, uncached } from '@veza/kit/cache'
import { type Api, bearer, type CallerMiddleware, createApi, openAnswers } from '@veza/kit/http'
import { type Logger } from '@veza/kit/log'
import { repeat } from '@veza/kit/repeat'
import { type Telemetry } from '@veza/kit/telemetry'
import { type TokenVerifier } from '@veza/kit/tokens'
import { readAvatar } from './adapters/avatars.ts'
import { deleteExpiredExports } from './adapters/exports.ts'
import { usersTopic } from './adapters/publish.ts'
import { tellingStreams } from './adapters/streams.ts'
import { cancelErasure } from './commands/cancel-erasure.ts'
import { changeAvatar } from './commands/change-avatar.ts'
import { changeSettings } from './commands/change-settings.ts'
import { createProfile } from './commands/create-profile.ts'
import { eraseDue } from './commands/erase-due.ts'
import { relate } from './commands/relate.ts'
import { requestErasure } from './commands/request-erasure.ts'
import { requestExport } from './commands/request-export.ts'
import { updateProfile } from './commands/update-profile.ts'
import { openUsersStore } from './open-store.ts'
import { downloadExport, newestExport, readExportJob } from './queries/exports.ts'
import { listBlocked, listFollowers, listFollowing, listRequests } from './queries/lists.ts'
import { readCounts, readMe } from './queries/me.ts'
import { searchUsers } from './queries/search.ts'
import { openUserCaches, streamChanged } from './queries/user-caches.ts'
import { readUser } from './queries/user.ts'
import { readUsers } from './queries/users.ts'
import { bodyLimits, mountAvatar } from './routes/avatar.ts'
import { mountExports } from './routes/exports.ts'
import { mountMe } from './routes/me.ts'
import { mountPeople } from './routes/people.ts'
import { type UsersSettings } from './settings.ts'

const upkeepEveryMs = 60_000

/** What the process around users gives it, and closes after it. */
export interface UsersCommon {
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly verifier: TokenVerifier
  readonly codec: Codec
  /** Of the process; without them every reading is one of the database. */
  readonly caches?: Pick<Caches, 'open'>
  /** The present; the system's clock unless given. */
  readonly now?: () => Date
}

/** Users, running. */
export interface Users {
  /** Its public HTTP API. */
  readonly app: Api
  /** Its API for Veza's own processes: the internal listener's app. */
  readonly internal: Api
  /** Of routes whose bodies may be larger than others', for the edge in front of the app. */
  readonly bodyLimits: Readonly<Record<string, number>>
  /** Readiness: undefined when well, otherwise what is wrong. */
  readonly checks: Readonly<Record<string, () => Promise<string | undefined>>>
  close(): Promise<void>
}

/** Opens users on its migrated database ('@veza/users/migrate'). Throws EnvironmentError when no key is configured. */
export const openUsers = (settings: UsersSettings, common: UsersCommon): Users => {
  const { log, telemetry, verifier, codec, caches = uncached, now = () => new Date() } = common
  const store = openUsersStore(settings, {
    name: 'users',
    poolSize: settings.USERS_DATABASE_CONNECTIONS,
    ...{ codec, log },
  })
  const { db, views, sealing, keyEncryption, addresses } = store
  const userCaches = openUserCaches(store, caches)
  const streams = tellingStreams(store.streams, (stream, version) => {
    streamChanged(userCaches, stream, version)
  })
  const deps = { ...store, streams, now }

  const answers = openAnswers(db, {
    ...{ lifeMs: settings.IDEMPOTENCY_RETENTION, log },
    // People's own words are in them.
    seal: store.personal.answers,
  })
  const caller: CallerMiddleware = [bearer(verifier), answers.once]

  const app = createApi({ log, telemetry, bodyLimits })
  const create = createProfile(deps)
  const read = readMe(deps)
  mountMe(app, caller, {
    async readMe(caller) {
      const found = await read(caller.userId)
      if (found !== undefined) return found
      // Their sign-up is still on its way here: the token says as much as it does.
      await create({ userId: caller.userId, displayName: caller.name }, caller.metadata)
      const created = await read(caller.userId)
      if (created === undefined) throw new Error('the profile that was created is not there')
      return created
    },
    readCounts: readCounts(views),
    updateProfile: updateProfile(deps),
    changeSettings: changeSettings(deps),
    requestErasure: requestErasure(deps, {
      graceMs: settings.USERS_ERASURE_GRACE,
      signInWithinMs: settings.USERS_ERASURE_SIGN_IN_WITHIN,
    }),
    cancelErasure: cancelErasure(deps),
  })
  mountAvatar(app, caller, {
    changeAvatar: changeAvatar(deps),
    readAvatar: (avatarId, size) => readAvatar(db, sealing, avatarId, size),
  })
  mountExports(app, caller, {
    requestExport: requestExport(deps, settings.USERS_EXPORT_PAUSE),
    newestExport: newestExport(deps),
    readExportJob: readExportJob(deps),
    downloadExport: downloadExport(deps),
  })
  mountPeople(app, caller, {
    readUser: readUser(userCaches),
    readUsers: readUsers({ ...userCaches, ...store }),
    searchUsers: searchUsers(deps),
    relate: relate(deps),
    listFollowers: listFollowers(views),
    listFollowing: listFollowing(views),
    listRequests: listRequests(views),
    listBlocked: listBlocked(views),
  })

  const internal = createApi({ log, telemetry })
  mountAuditSource(
    internal,
    settings.SERVICE_TOKEN,
    auditOf('users', { db, topic: usersTopic, codec, addresses }),
  )

  const upkeep = repeat('upkeep', { everyMs: upkeepEveryMs, log }, async () => {
    await eraseDue(deps)()
    await deleteExpiredExports(db, now())
  })

  return {
    app,
    internal,
    bodyLimits,
    checks: { 'users-database': () => store.check(), 'key-encryption': () => keyEncryption.check() },
    async close() {
      await Promise.all([upkeep.close(), answers.close()])
      await store.close()
    },
  }
}
