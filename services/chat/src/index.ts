export { type Chat, type ChatCommon, openChat } from './open-chat.ts'
export { type ChatOperations, openChatOperations } from './operations.ts'
export { type ChatSettings, chatEnvironment } from './settings.ts'
