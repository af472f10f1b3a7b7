export { type ForgetfulStore, runErasure } from './erasure.ts'
export { inPages } from './pages.ts'
export { type PersonalParts, jsonOf } from './json.ts'
export { mountPersonalData, remotePersonalData } from './remote.ts'
