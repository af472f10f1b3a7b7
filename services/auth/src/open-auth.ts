import { type Codec } from '@veza/contracts'
import { addressBook, auditOf, readAuditPage, remoteAudit } from '@veza/kit/audit'
import { type Api, createApi, openAnswers } from '@veza/kit/http'
import { type Kafka } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { mountPersonalData } from '@veza/kit/personal-data'
import { repeat } from '@veza/kit/repeat'
import { type Telemetry } from '@veza/kit/telemetry'
import { createTokenVerifier } from '@veza/kit/tokens'
import { accessTokenSeconds, createAccessTokens } from './adapters/access-tokens.ts'
import { createAttemptLimits } from './adapters/attempt-limits.ts'
import { createDecoyHashes } from './adapters/decoy-hashes.ts'
import { folderMailer, smtpMailer } from './adapters/mailer.ts'
import { sweepFlows } from './adapters/oidc-flows.ts'
import { openOidcProvider } from './adapters/oidc-provider.ts'
import { sweepOneTimeTokens } from './adapters/one-time-tokens.ts'
import { createPasswordHasher, type HashFunction } from './adapters/password-hasher.ts'
import { createPasswordRules } from './adapters/password-rules.ts'
import { createRefreshTokens } from './adapters/refresh-tokens.ts'
import { isSessionActive } from './adapters/session-store.ts'
import { authTopic } from './adapters/publish.ts'
import { openSigningKeys, type PublicKey } from './adapters/signing-keys.ts'
import { adoptAccounts } from './commands/adopt-accounts.ts'
import { changePassword } from './commands/change-password.ts'
import { changeRoles } from './commands/change-roles.ts'
import { type AuthDeps } from './commands/deps.ts'
import { forgotPassword } from './commands/forgot-password.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { beginOidc, finishOidc } from './commands/oidc.ts'
import { redriveDeadLetter } from './commands/redrive.ts'
import { refreshSession } from './commands/refresh.ts'
import { registerAccount } from './commands/register.ts'
import { requestVerification } from './commands/request-verification.ts'
import { resetPassword } from './commands/reset-password.ts'
import { revokeAllSessions, revokeSession } from './commands/revoke-session.ts'
import { sealNames } from './commands/seal-names.ts'
import { sendMail } from './commands/send-mail.ts'
import { verifyEmail } from './commands/verify-email.ts'
import { type AuthParts, openParts, startFailure } from './open-parts.ts'
import { readKnownDeadLetters } from './queries/dead-letters.ts'
import { readPersonalData } from './queries/personal-data.ts'
import { readName, readOwnAccount, readOwnSessions, readRoles } from './queries/account.ts'
import { watchStatus } from './queries/status.ts'
import { mountAccount } from './routes/account.ts'
import { mountAudit } from './routes/audit.ts'
import { mountDeadLetters } from './routes/dead-letters.ts'
import { mountInternal } from './routes/internal.ts'
import { mountOidc } from './routes/oidc.ts'
import { mountRoles } from './routes/roles.ts'
import { mountSessions } from './routes/sessions.ts'
import { mountSignIn } from './routes/sign-in.ts'
import { mountStatus } from './routes/status.ts'
import { signedInOnly } from './routes/signed-in.ts'
import { type AuthSettings, oidcSettings } from './settings.ts'

/** What the process around auth gives it. */
export interface AuthCommon {
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly codec: Codec
  /** For what administrators see of the topics and have redriven; nothing else of auth goes there. */
  readonly kafka: Kafka
  /** The present; the system's clock unless given. */
  readonly now?: () => Date
  /** argon2id unless given: tests count with it. */
  readonly hashFunction?: HashFunction
}

/** Auth, running. */
export interface Auth {
  /** Its public HTTP API. */
  readonly app: Api
  /** Its API for Veza's own processes: the internal listener's app. */
  readonly internal: Api
  /** A published public key, for a token verifier in the same process. */
  publicKey(kid: string): PublicKey | undefined
  /** Rotates the signing keys if that is due. It does so by itself every minute. */
  rotateKeys(): Promise<void>
  /** Readiness: undefined when well, otherwise what is wrong. */
  readonly checks: Readonly<Record<string, () => Promise<string | undefined>>>
  close(): Promise<void>
}

const minute = 60_000

/**
 * A new key is public for longer than anybody goes without looking: a process of ours reads the keys every minute, caches
 * keep the JWKS for 5, verifiers for 10. An old one stays for what it signed last, and for clocks that differ.
 */
const publishedBeforeMs = 20 * minute
const keptAfterMs = accessTokenSeconds * 1000 + 5 * minute

const open = async (parts: AuthParts, settings: AuthSettings, common: AuthCommon): Promise<Auth> => {
  const { log, telemetry, now = () => new Date() } = common
  const { database, sealing, personal, index, streams } = parts
  const { db } = database
  const oidc = oidcSettings(settings)
  await adoptAccounts({ db, streams, personal, index, now, log })
  await sealNames({ db, personal, log })
  const keys = await openSigningKeys(db, {
    sealing,
    schedule: { periodMs: settings.SIGNING_KEY_PERIOD, publishedBeforeMs, keptAfterMs },
    now: now(),
  })
  const passwords = await createPasswordHasher(
    { concurrency: settings.PASSWORD_HASH_CONCURRENCY, queue: settings.PASSWORD_HASH_QUEUE },
    common.hashFunction,
  )
  const attempts = createAttemptLimits(db)
  const decoys = createDecoyHashes(db)
  await decoys.refresh()
  const mailer =
    settings.SMTP_URL === undefined
      ? folderMailer(settings.MAIL_FOLDER, settings.MAIL_FROM)
      : smtpMailer(settings.SMTP_URL, settings.MAIL_FROM)

  const sendLetters = sendMail({ db, personal, now, log, mailer, appUrl: settings.APP_URL })
  const rotateKeys = () => keys.rotate(now())
  const letters = repeat('letters', { everyMs: 5_000, log }, async () => (await sendLetters()) > 0)
  const upkeep = repeat('upkeep', { everyMs: minute, log }, async () => {
    await rotateKeys()
    await decoys.refresh()
    await attempts.sweep(now())
    await sweepOneTimeTokens(db, now())
    await sweepFlows(db, now())
  })

  const perWindow = (count: number) => ({ attempts: count, windowMs: settings.ATTEMPT_WINDOW })
  const deps: AuthDeps = {
    ...{ db, streams, personal, index, attempts, passwords, now, log },
    limits: {
      perAccount: perWindow(settings.ATTEMPTS_PER_ACCOUNT),
      perAddress: perWindow(settings.ATTEMPTS_PER_ADDRESS),
      mailPerAccount: perWindow(settings.MAILS_PER_ACCOUNT),
    },
    isGuessable: createPasswordRules(),
    decoyHash: (emailHash) => decoys.of(emailHash),
    refreshTokens: createRefreshTokens(parts.secrets['refresh-tokens']),
    sign: createAccessTokens(keys, settings.TOKEN_ISSUER),
    mailWanted: () => {
      letters.wake()
    },
  }

  const app = createApi({ log, telemetry, trustedProxies: settings.TRUSTED_PROXIES })
  const publicKey = (kid: string) => keys.published().find((key) => key.kid === kid)
  const verifier = createTokenVerifier({
    ...{ keys: publicKey, issuer: settings.TOKEN_ISSUER, audience: 'veza' },
    now: () => now().getTime(),
  })
  const answers = openAnswers(db, { lifeMs: settings.IDEMPOTENCY_RETENTION, log })
  const signedIn = signedInOnly(verifier, (session) => isSessionActive(db, { ...session, now: now() }))
  mountSignIn(app, {
    register: registerAccount(deps),
    login: login(deps),
    refresh: refreshSession(deps),
    logout: logout(deps),
    publicKeys: () => keys.published(),
  })
  mountAccount(app, signedIn, {
    readAccount: readOwnAccount(deps),
    verifyEmail: verifyEmail(deps),
    requestVerification: requestVerification(deps),
    forgotPassword: forgotPassword(deps),
    resetPassword: resetPassword(deps),
    changePassword: changePassword(deps),
  })
  mountSessions(app, [...signedIn, answers.once], {
    readSessions: readOwnSessions(deps),
    revokeSession: revokeSession(deps),
    revokeAllSessions: revokeAllSessions(deps),
  })
  if (oidc) {
    const provider = openOidcProvider(oidc)
    mountOidc(app, { begin: beginOidc({ ...deps, provider }), finish: finishOidc({ ...deps, provider }) })
  }
  const addresses = addressBook(sealing, 'auth')
  const audit = auditOf('auth', { db, topic: authTopic, codec: common.codec, addresses })
  const sources = [
    audit,
    ...settings.AUDIT_SOURCES.map(({ name, url }) => remoteAudit(name, url, settings.SERVICE_TOKEN)),
  ]
  mountAudit(app, signedIn, {
    contexts: sources.map(({ context }) => context),
    readAudit: (context, ...of) =>
      readAuditPage(sources.filter((source) => context === undefined || source.context === context))(...of),
  })
  const { kafka } = common
  mountStatus(app, signedIn, watchStatus({ processes: settings.STATUS_PROCESSES, kafka }))
  const producer = kafka.producer({ lingerMs: 0 })
  mountDeadLetters(app, [...signedIn, answers.once], {
    readDeadLetters: readKnownDeadLetters({ db, kafka }),
    redrive: redriveDeadLetter({ ...deps, kafka, producer }),
  })
  const internal = createApi({ log, telemetry })
  mountPersonalData(internal, settings.SERVICE_TOKEN, 'auth', readPersonalData({ ...deps, audit }))
  mountInternal(internal, settings.SERVICE_TOKEN, { readName: readName(deps) })
  mountRoles(app, [...signedIn, answers.once], { readRoles: readRoles(deps), changeRoles: changeRoles(deps) })

  return {
    app,
    internal,
    publicKey,
    rotateKeys,
    checks: {
      'auth-database': () => database.check(),
      'key-encryption': () => parts.keyEncryption.check(),
    },
    async close() {
      await Promise.all([letters.close(), upkeep.close(), answers.close()])
      await producer.close()
      mailer.close()
      await parts.close()
    },
  }
}

/**
 * Opens auth on its migrated database ('@veza/auth/migrate'). Rejects EnvironmentError when no key that is given opens
 * the signing keys.
 */
export const openAuth = async (settings: AuthSettings, common: AuthCommon): Promise<Auth> => {
  const { log, codec } = common
  const parts = await openParts(settings, { log, codec, applicationName: 'auth', poolSize: 10 })
  try {
    return await open(parts, settings, common)
  } catch (error) {
    await parts.close()
    throw startFailure(error)
  }
}
