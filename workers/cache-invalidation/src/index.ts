export { openCacheInvalidation } from './open-cache-invalidation.ts'
export { cacheInvalidationEnvironment } from './settings.ts'
