import { expect, inject, it } from 'vitest'
import { speakers } from '../demo/declaration.ts'
import { replay } from '../demo/replay.ts'

it('reads the declaration in six languages, and everybody hears the same', async () => {
  const people = speakers()
  expect(people.map(({ articles }) => articles.length)).toEqual([30, 30, 30, 30, 30, 30])

  const rooms = await replay(
    inject('veza'),
    people,
    new Map([
      ['Articles 1 and 2', [1, 2]],
      ['Article 30', [30]],
    ]),
  )

  for (const { heard } of rooms) {
    const [first, ...others] = [...heard.values()].map((list) =>
      list.map(({ offset, speaker, body }) => ({ offset, speaker, body })),
    )
    expect(others).toEqual(Array.from({ length: 5 }, () => first))
    expect(first?.map(({ offset }) => offset)).toEqual(first?.map((_, index) => index + 1))
  }
  expect(rooms.map(({ heard }) => heard.get('English')?.length)).toEqual([12, 6])
  const bodies = rooms[0]?.heard.get('English')?.map(({ body }) => body) ?? []
  for (const { articles } of people) expect(bodies).toContain(articles[0])
})
