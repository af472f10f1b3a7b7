export { filesystemObjects } from './filesystem.ts'
export { type ObjectsSettings, objectsEnvironment, openObjects } from './open.ts'
export { type S3Settings, s3Objects } from './s3.ts'
export { type ByteRange, type ObjectInfo, type Objects, ObjectsUnavailable } from './types.ts'
