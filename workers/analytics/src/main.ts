import { runWorkers } from '@veza/kit/worker'
import { analyticsEnvironment, openAnalytics } from './index.ts'

await runWorkers('analytics', analyticsEnvironment, [openAnalytics])
