export { migrateUsers } from './adapters/migrations.ts'
