export { migrateAuth } from './adapters/migrations.ts'
