export { type Database, type DatabaseOptions, openDatabase } from './database.ts'
export { isCollision, isUnavailable, isUniqueViolation } from './errors.ts'
export { type Migrations, migrate } from './migrate.ts'
export { type Prepare } from './prepared.ts'
