/** A problem with how the command was called: told in one line, without a stack. */
export class SettingError extends Error {}

function setting(name: string, looksLike: string): string {
  const value = process.env[name]?.trim()
  if (!value) throw new SettingError(`${name} is not set; it looks like ${looksLike}`)
  return value
}

/** SCHEMA_REGISTRY_URL. @throws SettingError */
export function registryUrl(): string {
  const looksLike = 'http://127.0.0.1:8082/apis/ccompat/v7'
  const url = setting('SCHEMA_REGISTRY_URL', looksLike)
  if (!/^https?:/.test(url) || !URL.canParse(url))
    throw new SettingError(`SCHEMA_REGISTRY_URL is no http(s) address; it looks like ${looksLike}`)
  return url
}

/** TOPIC_REPLICATION, 1 when it is not set. @throws SettingError */
export function replication(): number {
  const value = Number(process.env['TOPIC_REPLICATION'] ?? 1)
  if (!Number.isInteger(value) || value < 1)
    throw new SettingError('TOPIC_REPLICATION is a whole number from 1')
  return value
}

/** KAFKA_BROKERS. @throws SettingError */
export const kafkaBrokers = (): string[] =>
  setting('KAFKA_BROKERS', '127.0.0.1:9092')
    .split(',')
    .map((broker) => broker.trim())
