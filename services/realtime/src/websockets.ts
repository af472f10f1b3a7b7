import { EnvironmentError } from '@veza/kit/env'
import uWS from 'uWebSockets.js'

/**
 * uWebSockets.js, native. Its carrier falls back to an imitation in JavaScript, with no more than a warning, where it
 * has no binary for this Node or C library: slower by an order of magnitude and with other limits.
 *
 * @throws EnvironmentError when this is the imitation
 */
export const nativeWebSockets = (library: { readonly App: unknown } = uWS): typeof uWS => {
  if (!Function.prototype.toString.call(library.App).includes('[native code]')) {
    const { platform, arch, version } = process
    throw new EnvironmentError([
      `uWebSockets.js has no native binary for Node ${version} on ${platform}-${arch}: use Node 20, or install the official package`,
    ])
  }
  return library as typeof uWS
}
