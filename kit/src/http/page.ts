import { serveStatic } from '@hono/node-server/serve-static'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Api } from './api.ts'
import { methodProblem } from './edge.ts'
import { renderProblem } from './problem.ts'

/** Where a page lies and what it may talk to. */
export interface PageOptions {
  /** Holds index.html, what is named by its hash under assets/, and each text file compressed beside itself (.br, .gz). */
  readonly folder: string
  /** URL of the WebSocket edge, where that is not at the page's own origin. */
  readonly realtimeUrl?: string | undefined
}

/** Scripts, styles and sound come from files of ours; nothing inline runs, and no text becomes markup by mistake. */
const policy = (realtimeOrigin: string | undefined): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "font-src 'self'",
    "manifest-src 'self'",
    // Media Source Extensions play from URLs of blobs.
    "media-src 'self' blob:",
    `connect-src 'self'${realtimeOrigin === undefined ? '' : ` ${realtimeOrigin}`}`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const placeholder = '<meta name="veza-realtime" content="" />'

/**
 * Serves a page of one document, in whose addresses the page itself finds its way: a browser that asks for HTML where the
 * API has nothing gets index.html, anybody else the API's own answer. Mount it after all routes. Files under assets/ never
 * change; what else there is, is asked for anew each time.
 *
 * @throws Error when the folder holds no page
 */
export const mountPage = (app: Api, { folder, realtimeUrl }: PageOptions): void => {
  const origin = realtimeUrl === undefined ? undefined : new URL(realtimeUrl).origin
  const attribute = (realtimeUrl ?? '').replaceAll(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
  const index = readFileSync(join(folder, 'index.html'), 'utf8').replace(
    placeholder,
    placeholder.replace('content=""', `content="${attribute}"`),
  )
  const headers = {
    'cache-control': 'no-cache',
    'content-security-policy': policy(origin),
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  }
  const file = (cacheControl: string) =>
    serveStatic({
      root: folder,
      precompressed: true,
      onFound(_, c) {
        c.header('cache-control', cacheControl)
      },
    })
  app.get('/assets/*', file('public, max-age=31536000, immutable'))
  for (const path of ['/icon.svg', '/manifest.webmanifest']) app.get(path, file('no-cache'))
  app.get('/', (c) => c.html(index, 200, headers))
  app.notFound((c) => {
    const wantsPage = c.req.method === 'GET' && (c.req.header('accept') ?? '').includes('text/html')
    if (wantsPage && !c.req.path.startsWith('/v1/') && !c.req.path.startsWith('/assets/'))
      return c.html(index, 200, headers)
    return renderProblem(c, methodProblem(app, c), c.var.traceId)
  })
}
