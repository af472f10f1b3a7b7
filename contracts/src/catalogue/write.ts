import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cataloguePage } from './page.ts'

writeFileSync(join(import.meta.dirname, '../../../docs/catalogue.md'), cataloguePage())
