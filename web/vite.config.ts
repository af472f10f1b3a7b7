import { readFileSync } from 'node:fs'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { defineConfig, type Plugin, type ProxyOptions } from 'vite'

const isText = /\.(?:js|css|html|svg|webmanifest)$/

/** Writes each text file compressed beside itself: the edge sends what lies there, and compresses nothing. */
const compressed = (): Plugin => ({
  name: 'compressed',
  apply: 'build',
  async writeBundle({ dir = 'dist' }) {
    for (const name of await readdir(dir, { recursive: true })) {
      if (!isText.test(name)) continue
      const file = join(dir, name)
      const content = await readFile(file)
      await writeFile(`${file}.br`, await promisify(brotliCompress)(content))
      await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }))
    }
  },
})

const proxyToStack = (): Record<string, ProxyOptions> => {
  const file = join(import.meta.dirname, '../.veza/endpoints.json')
  let stack: { http: string; ws: string }
  try {
    stack = JSON.parse(readFileSync(file, 'utf8')) as typeof stack
  } catch (cause) {
    throw new Error('no stack runs: npm start', { cause })
  }
  const headers = { origin: stack.http }
  return {
    '/v1': { target: stack.http, changeOrigin: true },
    '/connection': {
      target: new URL(stack.ws).origin.replace('http', 'ws'),
      ws: true,
      changeOrigin: true,
      headers,
    },
  }
}

/** Passes on to the running stack, so that the page under development is of one origin with it, as it is in earnest. */
const besideTheStack = (): Plugin => ({
  name: 'beside-the-stack',
  apply: 'serve',
  // Not before Vite asks: tools that only read this file need no stack.
  config: () => ({ server: { proxy: proxyToStack() } }),
})

export default defineConfig({
  root: import.meta.dirname,
  plugins: [compressed(), besideTheStack()],
  build: {
    target: 'es2022',
    // Nothing inline: the policy lets through files of ours alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
