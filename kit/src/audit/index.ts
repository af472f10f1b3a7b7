export { type AddressBook, addressBook } from './addresses.ts'
export {
  type AuditEntry,
  type AuditFilter,
  type AuditPlace,
  type AuditSource,
  auditEntry,
  auditFields,
} from './entry.ts'
export { type AuditPage, readAuditPage } from './page.ts'
export { auditOf } from './read.ts'
export { mountAuditSource, remoteAudit } from './remote.ts'
export { createAuditIndexes, renewAuditIndexes } from './schema.ts'
