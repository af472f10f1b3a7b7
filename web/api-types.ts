/**
 * `npm run api --workspace web -- [URL or file of an OpenAPI document] [file to write]` writes the types of the API that
 * the page's client is made of; without arguments, from the stack that runs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import openapiTypescript, { astToString } from 'openapi-typescript'

const ofRunningStack = (): string => {
  const file = join(import.meta.dirname, '../.veza/endpoints.json')
  const { http } = JSON.parse(readFileSync(file, 'utf8')) as { http: string }
  return `${http}/openapi.json`
}

const [, , source = ofRunningStack(), target = join(import.meta.dirname, 'src/api/generated/schema.ts')] =
  process.argv
const url = URL.canParse(source) ? new URL(source) : pathToFileURL(resolve(source))
const types = astToString(await openapiTypescript(url, { alphabetize: true }))
writeFileSync(target, `// Written by npm run api --workspace web, of /openapi.json.\n${types}`)
