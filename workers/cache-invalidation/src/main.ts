import { runWorkers } from '@veza/kit/worker'
import { cacheInvalidationEnvironment, openCacheInvalidation } from './index.ts'

await runWorkers('cache-invalidation', cacheInvalidationEnvironment, [openCacheInvalidation])
