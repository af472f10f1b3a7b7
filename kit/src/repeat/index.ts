export { repeat, type Repeated } from './repeat.ts'
