// hls.js types its full build alone; the light one has the same interface, without what Veza's streams do not have.
declare module 'hls.js/light' {
  export { default } from 'hls.js'
}
