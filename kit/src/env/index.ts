export {
  type EnvironmentSpec,
  type EnvironmentValues,
  type Setting,
  bytes,
  duration,
  flag,
  integer,
  list,
  number,
  oneOf,
  optional,
  secret,
  secretBytes,
  string,
  url,
} from './settings.ts'
export { type SettingRow, EnvironmentError, describe, readEnv } from './read-env.ts'
export { type Run, runMain } from './run-main.ts'
export { processEnvironment } from './process-environment.ts'
