export { type Chat, type ChatCommon, openChat } from './open-chat.ts'
export { type ChatSettings, chatEnvironment } from './settings.ts'
