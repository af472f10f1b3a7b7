import { type NamedUrl } from '@veza/kit/env'
import { type ExportSource } from '@veza/users/store'

const timeoutMs = 30_000

/** A context whose internal API answers `GET /internal/v1/<context>/personal-data/<user id>`: JSON, or 404 for nothing. */
export const contextSource = ({ name, url }: NamedUrl, token: string): ExportSource => ({
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
