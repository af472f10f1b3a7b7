import { join } from 'node:path'
import { type Java } from './java.ts'
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
  readonly java: Java
  readonly port: number
  /** Where its schemas lie. */
  readonly database: {
    readonly host: string
    readonly port: number
    readonly name: string
    readonly user: string
    readonly password: string
  }
}): Promise<Program> => {
  const url = registryUrl('127.0.0.1', o.port)
  return {
    name: 'registry',
    command: join(o.java.home, 'bin/java'),
    args: ['-Xmx256m', '-XX:+ExitOnOutOfMemoryError', '-jar', join(o.folder, 'quarkus-run.jar')],
    cwd: o.folder,
    env: {
      ...process.env,
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(o.port),
      QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
      QUARKUS_MANAGEMENT_PORT: String(await freePort()),
      APICURIO_STORAGE_KIND: 'sql',
      APICURIO_STORAGE_SQL_KIND: 'postgresql',
      APICURIO_DATASOURCE_URL: `jdbc:postgresql://${o.database.host}:${o.database.port}/${o.database.name}`,
      APICURIO_DATASOURCE_USERNAME: o.database.user,
      APICURIO_DATASOURCE_PASSWORD: o.database.password,
    },
    stopSignal: 'SIGTERM',
    graceMs: 15_000,
    readyWithinMs: 120_000,
    check: () => registryAnswers(url),
  }
}
