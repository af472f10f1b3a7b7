export { type Database, type DatabaseOptions, openDatabase } from './database.ts'
export { isCollision, isUnavailable, isUniqueViolation } from './errors.ts'
export { type InboxTable, claimOnce, createInbox, pruneInbox } from './inbox.ts'
export { type Migrations, migrate } from './migrate.ts'
