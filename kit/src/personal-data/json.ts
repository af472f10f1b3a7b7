/** What a context has about a person, by name: values for JSON, and lists that are read while they are told. */
export type PersonalParts = Readonly<Record<string, unknown>>

const isList = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/** What JSON has no word for is null. */
const textOf = (value: unknown): string => JSON.stringify(value === undefined ? null : value)

async function* tokens(parts: PersonalParts): AsyncGenerator<string> {
  let before = '{'
  for (const [name, value] of Object.entries(parts)) {
    yield `${before}\n${textOf(name)}: `
    before = ','
    if (!isList(value)) {
      yield textOf(value)
      continue
    }
    let separator = '['
    for await (const item of value) {
      yield `${separator}\n  ${textOf(item)}`
      separator = ','
    }
    yield separator === '[' ? '[]' : ']'
  }
  yield before === '{' ? '{}' : '}'
}

const blockLength = 64 * 1024

/** The parts as one JSON object, in blocks of some 64 KiB, UTF-8. Rejects what reading a list rejects. */
export async function* jsonOf(parts: PersonalParts): AsyncGenerator<Buffer> {
  let block = ''
  for await (const token of tokens(parts)) {
    block += token
    if (block.length < blockLength) continue
    yield Buffer.from(block)
    block = ''
  }
  yield Buffer.from(block)
}
