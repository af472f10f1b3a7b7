import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cataloguePage } from './page.ts'
import { tablesPage } from './tables.ts'

const docs = join(import.meta.dirname, '../../../docs')
writeFileSync(join(docs, 'catalogue.md'), cataloguePage())
writeFileSync(join(docs, 'tables.md'), tablesPage())
