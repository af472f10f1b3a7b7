export { migrateStreams } from './adapters/migrations.ts'
