import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { settingsPage } from './settings.ts'

test('the page of settings is what the code says: `npm run settings` writes it anew', () => {
  expect(readFileSync(join(import.meta.dirname, '../docs/settings.md'), 'utf8')).toBe(settingsPage())
})
