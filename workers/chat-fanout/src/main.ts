import { runWorkers } from '@veza/kit/worker'
import { openChatFanout } from './open-chat-fanout.ts'
import { chatFanoutEnvironment } from './settings.ts'

await runWorkers('chat-fanout', chatFanoutEnvironment, [openChatFanout])
