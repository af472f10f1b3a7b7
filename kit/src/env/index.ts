export {
  type EnvironmentSpec,
  type EnvironmentValues,
  type NamedUrl,
  type Setting,
  bytes,
  duration,
  flag,
  integer,
  list,
  namedUrls,
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
