import { EnvironmentError } from '@veza/kit/env'
import { type ExportSource } from '@veza/users/store'

const timeoutMs = 30_000

/** A context whose internal API answers `GET /internal/v1/<context>/personal-data/<user id>`: JSON, or 404 for nothing. */
const contextSource = (name: string, url: string, token: string): ExportSource => ({
  name,
  async read(userId) {
    const response = await fetch(`${url}/internal/v1/${name}/personal-data/${userId}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`${name} answered ${response.status}`)
    return response.json()
  },
})

/** @param given `name=url`. Throws EnvironmentError */
export const contextSources = (given: readonly string[], token: string): ExportSource[] =>
  given.map((text) => {
    const [, name, url] = /^([a-z][a-z-]*)=(https?:\/\/.+?)\/*$/.exec(text) ?? []
    if (name === undefined || url === undefined || !URL.canParse(url))
      throw new EnvironmentError([`USERS_EXPORT_SOURCES has ${text}: expected name=http://host:port`])
    return contextSource(name, url, token)
  })
