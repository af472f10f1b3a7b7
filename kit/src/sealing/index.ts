export { createDataKeys, eraseDataKey, indexErasures, type Rewrapped, rewrapDataKeys } from './data-keys.ts'
export { envKeyEncryption } from './env-keys.ts'
export { type KeyEncryption, KeyEncryptionUnavailable } from './key-encryption.ts'
export { SealBroken, type SealedPlace, sealOverheadBytes } from './seal.ts'
export {
  createSealing,
  type Opened,
  type Sealing,
  type SealingOptions,
  SubjectErased,
  type ToOpen,
  type ToSeal,
} from './sealing.ts'
export { type KeyEncryptionSettings, keyEncryptionEnvironment, openKeyEncryption } from './settings.ts'
