import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const program = join(import.meta.dirname, '../../web/api-types.ts')

/** The types of the page's client, as `npm run api --workspace web` writes them of an OpenAPI document. */
export const pageTypes = async (url: string): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'veza-types-'))
  try {
    const file = join(dir, 'schema.ts')
    await promisify(execFile)(process.execPath, ['--import', 'tsx', program, url, file])
    return await readFile(file, 'utf8')
  } finally {
    await rm(dir, { recursive: true })
  }
}
