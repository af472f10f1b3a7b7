import { chmodSync, existsSync, lstatSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

/** Kafka and the registry are fetched once for everything that this checkout runs. */
export const programsDir = resolve(import.meta.dirname, '../../.veza/programs')

/** A data folder of its own, and how to be rid of it. */
export const temporaryDataDir = (): { path: string; remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 'veza-test-'))
  // PostgreSQL's own user has to get in.
  chmodSync(path, 0o755)
  return {
    path,
    remove() {
      // In a checkout that PostgreSQL's user can't reach, the launcher puts its files outside and links to them.
      const postgres = join(path, 'postgres')
      if (existsSync(postgres) && lstatSync(postgres).isSymbolicLink()) {
        const outside = readlinkSync(postgres)
        if (basename(outside).startsWith('veza-postgres-')) rmSync(outside, { recursive: true, force: true })
      }
      rmSync(path, { recursive: true, force: true })
    },
  }
}
