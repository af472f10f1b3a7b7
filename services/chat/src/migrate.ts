export { migrateChat } from './adapters/migrations.ts'
