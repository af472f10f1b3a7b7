import { runWorkers } from '@veza/kit/worker'
import { openTranscode } from './open-transcode.ts'
import { transcodeEnvironment } from './settings.ts'

await runWorkers('transcode', transcodeEnvironment, [openTranscode])
