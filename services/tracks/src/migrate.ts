export { migrateTracks } from './adapters/migrations.ts'
