import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

/** What the provider says of a person. */
export interface OutsidePerson {
  readonly email?: string
  readonly email_verified?: boolean
  readonly name?: string
}

/** A real OpenID Connect provider, and a browser that somebody signs in to it with. */
export interface OutsideProvider {
  readonly settings: {
    readonly OIDC_ISSUER: string
    readonly OIDC_CLIENT_ID: string
    readonly OIDC_CLIENT_SECRET: string
    readonly OIDC_REDIRECT_URL: string
  }
  /** By subject; may be changed at any time. */
  readonly people: Map<string, OutsidePerson>
  /** By path, what answers in the provider's place. */
  readonly instead: Map<string, (response: ServerResponse) => void>
  /** Signs in as somebody and consents. Answers the address that the browser is sent back to. */
  visit(authorizationUrl: string, subject: string): Promise<string>
  close(): Promise<void>
}

const redirectUrl = 'https://app.veza.example/signed-in'

/** A browser without JavaScript: cookies and redirects. */
const openBrowser = () => {
  const cookies = new Map<string, string>()
  return async (url: string, form?: Record<string, string>) => {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=')
      cookies.set(name, value)
    }
    await response.arrayBuffer()
    const location = response.headers.get('location')
    return location === null ? undefined : new URL(location, url).href
  }
}

/** Starts the provider on a free port of the loopback. */
export const openOutsideProvider = async (): Promise<OutsideProvider> => {
  const people = new Map<string, OutsidePerson>()
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [client_id, client_secret] = ['veza', randomBytes(24).toString('hex')]
  const provider = new Provider(issuer, {
    clients: [{ client_id, client_secret, redirect_uris: [redirectUrl], response_types: ['code'] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    pkce: { required: () => true },
    findAccount: (_context, subject) => {
      const person = people.get(subject)
      return person && { accountId: subject, claims: () => ({ sub: subject, ...person }) }
    },
  })
  const answer = provider.callback()
  const instead: OutsideProvider['instead'] = new Map()
  server.on('request', (request, response) => {
    const other = instead.get(request.url ?? '')
    if (other) other(response)
    else void answer(request, response)
  })

  return {
    settings: {
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: client_id,
      OIDC_CLIENT_SECRET: client_secret,
      OIDC_REDIRECT_URL: redirectUrl,
    },
    ...{ people, instead },
    async visit(authorizationUrl, subject) {
      const browse = openBrowser()
      let next = await browse(authorizationUrl)
      for (let step = 0; next !== undefined && step < 10; step++) {
        if (next.startsWith(redirectUrl)) return next
        if (!next.includes('/interaction/')) next = await browse(next)
        else if (step < 2) next = await browse(next, { prompt: 'login', login: subject, password: 'any' })
        else next = await browse(next, { prompt: 'consent' })
      }
      throw new Error(`the provider led nowhere: ${String(next)}`)
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
