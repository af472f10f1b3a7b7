import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { topics, type Topic } from '../topics.ts'
import { cataloguePage } from './page.ts'

const page = cataloguePage()

it('is what the contracts say: `npm run catalogue` writes docs/catalogue.md anew', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs/catalogue.md'), 'utf8')).toBe(page)
})

it('has every topic and every record, and shows nothing that is sealed', () => {
  for (const { name, records } of Object.values<Topic>(topics)) {
    expect(page).toContain(name)
    for (const record of records) expect(page).toContain(`\n### ${record}\n`)
  }
  expect(page).toContain('| `email` | bytes |  | v1 | sealed |')
  expect(page).toContain('"email": "sealed (')
})
