import { type Codec } from '@veza/contracts'
import { type Notices } from '@veza/chat/store'
import { type Producer } from '@veza/kit/kafka'
import { done, type Message, skip } from '@veza/kit/worker'
import { expect, it, vi } from 'vitest'
import { type SourceTopic } from './happening.ts'
import { notify } from './notify.ts'

const control = { signal: new AbortController().signal, stillMine: () => true }
const nobody = skip('nobody in particular is told of it')

const posted = (id: string, roomId: string, mentions: string[] = []) =>
  ({
    ...{ id, traceparent: undefined, record: {}, type: 'MessagePosted' },
    value: {
      ...{ roomId, offset: 1, messageId: id, messageNumber: 1, senderId: 'ana', mentions, postedAt: 0 },
    },
  }) as unknown as Message<SourceTopic>

const setUp = (notices: Partial<Notices>, sendAll: Producer['sendAll'] = () => Promise.resolve()) => {
  const tell = vi.fn<Notices['tell']>(() => Promise.resolve([]))
  const directRooms = vi.fn<Notices['directRooms']>(() => Promise.resolve(new Set(['direct'])))
  const handle = notify({
    notices: { tell, directRooms, prune: () => Promise.resolve(0), ...notices },
    codec: {} as Codec,
    producer: { sendAll } as Producer,
  })
  return { tell, directRooms, handle }
}

it('asks of each room once whether it is direct, and writes only what concerns somebody', async () => {
  const { tell, directRooms, handle } = setUp({})
  const messages = [
    posted('1', 'room'),
    posted('2', 'room', ['ben']),
    posted('3', 'direct'),
    posted('4', 'room'),
  ]
  expect(await handle(messages, control)).toEqual([nobody, done, done, nobody])
  expect(directRooms.mock.calls).toEqual([[['room', 'direct']]])
  expect(tell.mock.calls.map(([happenings]) => happenings.map(({ sourceId }) => sourceId))).toEqual([
    ['2', '3'],
  ])
})

it('begins no transaction for what concerns nobody', async () => {
  const { tell, handle } = setUp({})
  expect(await handle([posted('1', 'room')], control)).toEqual([nobody])
  expect(tell).not.toHaveBeenCalled()
})

it.each<[string, Partial<Notices>, Producer['sendAll']?]>([
  ['the rooms can not be read', { directRooms: () => Promise.reject(new Error('away')) }],
  ['it can not be written', { tell: () => Promise.reject(new Error('away')) }],
  ['it can not be sent', {}, () => Promise.reject(new Error('away'))],
])('has the chunk come again when %s', async (_, notices, sendAll) => {
  const { handle } = setUp(notices, sendAll)
  await expect(handle([posted('1', 'direct')], control)).rejects.toThrow('away')
})
