import { type OpenAPIHono } from '@hono/zod-openapi'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type EdgeEnv } from './types.ts'

const page = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title.replaceAll(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)}</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/initialize.js"></script>
</body>
</html>
`

const initializer = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
})
`

// Swagger UI sets style attributes and shows images as data URLs; scripts come from files of ours only.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

/**
 * Serves the OpenAPI 3.1 document of every route that the app has by its first request at /openapi.json, and a page
 * that renders it at /docs. Nothing is loaded from elsewhere.
 */
export const mountDocs = (
  app: OpenAPIHono<EdgeEnv>,
  { title, version }: { title: string; version: string },
): void => {
  let document: string | undefined
  app.get('/openapi.json', (c) => {
    document ??= JSON.stringify(app.getOpenAPI31Document({ openapi: '3.1.0', info: { title, version } }))
    return c.body(document, 200, { 'content-type': 'application/json' })
  })
  app.get('/docs', (c) => c.html(page(title), 200, { 'content-security-policy': policy }))
  app.get('/docs/initialize.js', (c) =>
    c.body(initializer, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  )
  for (const [name, type] of [
    ['swagger-ui.css', 'text/css; charset=utf-8'],
    ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ] as const) {
    app.get(`/docs/${name}`, async (c) =>
      c.body(await readFile(join(assets, name)), 200, {
        'content-type': type,
        'cache-control': 'public, max-age=3600',
      }),
    )
  }
}
