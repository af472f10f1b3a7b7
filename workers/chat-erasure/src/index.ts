export { openChatErasure } from './open-chat-erasure.ts'
export { chatErasureEnvironment } from './settings.ts'
