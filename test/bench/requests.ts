import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'

// Not fetch: it costs the load generator three times as much, on the cores that are measured.
// As many connections as an Agent keeps: one that has no end of them opens one for each request as soon as the server is
// late, closes it afterwards, and what is measured then is a storm of connections.
const agent = new Agent({ keepAlive: true, maxSockets: 256 })

/** Sends a request, on a connection that is kept. */
export const send = (
  base: string,
  method: string,
  path: string,
  { token, body }: { token?: string; body?: unknown },
): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const content = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(content !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(content),
      }),
    }
    request(`${base}${encodeURI(path)}`, { agent, method, headers }, (response) => {
      text(response).then((body) => {
        resolve({ status: response.statusCode ?? 0, body })
      }, reject)
    })
      .on('error', reject)
      .end(content)
  })

/** Of a request that is under way. */
export const statusOf = async (answer: ReturnType<typeof send>): Promise<number> => (await answer).status
