import { join } from 'node:path'
import { jvmFlags } from './java.ts'
import { freePort } from './ports.ts'
import { type Program } from './supervise.ts'

/** Base of the Confluent-compatible API of an Apicurio registry. */
export const registryUrl = (host: string, port: number): string => `http://${host}:${port}/apis/ccompat/v7`

/** undefined when the registry answers from its storage. */
export const registryAnswers = async (url: string): Promise<string | undefined> => {
  const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(5_000) })
  await response.body?.cancel()
  return response.ok ? undefined : `it answers ${response.status}`
}

export const registryProgram = async (o: {
  readonly folder: string
  readonly javaHome: string
  readonly port: number
  /** PostgreSQL database that holds its schemas, with user and password. */
  readonly databaseUrl: string
}): Promise<Program> => {
  const database = new URL(o.databaseUrl)
  const url = registryUrl('127.0.0.1', o.port)
  return {
    name: 'registry',
    command: join(o.javaHome, 'bin/java'),
    args: [...jvmFlags('256m'), '-jar', join(o.folder, 'quarkus-run.jar')],
    cwd: o.folder,
    env: {
      ...process.env,
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(o.port),
      QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
      QUARKUS_MANAGEMENT_PORT: String(await freePort()),
      APICURIO_STORAGE_KIND: 'sql',
      APICURIO_STORAGE_SQL_KIND: 'postgresql',
      APICURIO_DATASOURCE_URL: `jdbc:postgresql://${database.host}${database.pathname}`,
      APICURIO_DATASOURCE_USERNAME: decodeURIComponent(database.username),
      APICURIO_DATASOURCE_PASSWORD: decodeURIComponent(database.password),
    },
    stopSignal: 'SIGTERM',
    graceMs: 15_000,
    readyWithinMs: 120_000,
    check: () => registryAnswers(url),
  }
}
