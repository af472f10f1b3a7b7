import { type Encoding } from './encoding.ts'
import { json } from './json.ts'
import { protobuf } from './protobuf.ts'

export const encodings: readonly Encoding[] = [json, protobuf]

/** The encoding that a client asks for: by subprotocol, by `?format=protobuf` as with Centrifugo, else JSON. */
export const chooseEncoding = (
  subprotocols: readonly string[],
  format: string | undefined,
): Encoding | undefined => {
  if (subprotocols.length > 0) return encodings.find(({ subprotocol }) => subprotocols.includes(subprotocol))
  return format === 'protobuf' ? protobuf : json
}
