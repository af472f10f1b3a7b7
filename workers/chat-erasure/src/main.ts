import { runWorkers } from '@veza/kit/worker'
import { chatErasureEnvironment, openChatErasure } from './index.ts'

await runWorkers('chat-erasure', chatErasureEnvironment, [openChatErasure])
