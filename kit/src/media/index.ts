export { readCover } from './cover.ts'
export { type Demuxer, sniff, sniffLength } from './formats.ts'
export {
  type AudioRefusal,
  type Probed,
  type ProbeLimits,
  inputArguments,
  minSeconds,
  probeAudio,
  RefusedAudio,
  refusalTexts,
} from './probe.ts'
export { audioEnvironment } from './settings.ts'
export {
  type Isolation,
  type SandboxFailure,
  type SandboxLimits,
  type SandboxOptions,
  isolation,
  runSandboxed,
  SandboxError,
} from './sandbox.ts'
export { sweepWorkFolders } from './work-folders.ts'
