import { describe, expect, it, vi } from 'vitest'
import { argon2id, createPasswordHasher, type HashFunction, HasherBusy } from './password-hasher.ts'

/** Work that ends when the test says so. */
const controlled = () => {
  const open: { end: (matches: boolean) => void; fail: (error: Error) => void; hashed: string }[] = []
  let running = 0
  let most = 0
  const work: HashFunction = {
    hash: () => Promise.resolve('nobody'),
    verify: (hashed) => {
      most = Math.max(most, ++running)
      return new Promise<boolean>((resolve, reject) => {
        open.push({ end: resolve, fail: reject, hashed })
      }).finally(() => running--)
    },
  }
  return { work, open, running: () => running, most: () => most }
}

describe('the password hasher', () => {
  it('runs as many as it may, queues as many as it may, and refuses the rest before anything is done for them', async () => {
    const { work, open, running, most } = controlled()
    const hasher = await createPasswordHasher({ concurrency: 2, queue: 3 }, work)
    const accepted = [1, 2, 3, 4, 5].map((n) => hasher.admit(({ verify }) => verify('p', `hash ${n}`)))
    const refused = vi.fn(() => Promise.resolve())
    await expect(hasher.admit(refused)).rejects.toThrow(HasherBusy)
    expect(refused).not.toHaveBeenCalled()
    expect(running()).toBe(2)

    for (let done = 0; done < 5; done++) {
      await expect.poll(() => open.length).toBeGreaterThan(done)
      open[done]?.end(true)
    }
    expect(await Promise.all(accepted)).toEqual([true, true, true, true, true])
    expect(open.map(({ hashed }) => hashed)).toEqual([1, 2, 3, 4, 5].map((n) => `hash ${n}`))
    expect(most()).toBe(2)
  })

  it('lets somebody in for all of their work, not for the hashing alone', async () => {
    const { work, open } = controlled()
    const hasher = await createPasswordHasher({ concurrency: 1, queue: 0 }, work)
    const first = hasher.admit(async ({ hash, verify }) => [await verify('p', 'a'), await hash('p')])
    await expect.poll(() => open.length).toBe(1)
    open[0]?.end(true)
    await expect(hasher.admit(() => Promise.resolve())).rejects.toThrow(HasherBusy)
    expect(await first).toEqual([true, 'nobody'])
    expect(await hasher.admit(() => Promise.resolve('in'))).toBe('in')
  })

  it('begins with no more people than hash and one, so that a crowd comes to the database one by one', async () => {
    const { work, open } = controlled()
    const hasher = await createPasswordHasher({ concurrency: 1, queue: 3 }, work)
    const begun: number[] = []
    const all = [1, 2, 3, 4].map((n) =>
      hasher.admit(({ verify }) => {
        begun.push(n)
        return verify('p', `hash ${n}`)
      }),
    )
    expect(begun).toEqual([1, 2])
    for (let done = 0; done < 4; done++) {
      await expect.poll(() => open.length).toBeGreaterThan(done)
      open[done]?.end(true)
      await all[done]
      expect(begun).toHaveLength(Math.min(4, done + 3))
    }
  })

  it('gives a slot on when the work fails', async () => {
    const { work, open } = controlled()
    const hasher = await createPasswordHasher({ concurrency: 1, queue: 1 }, work)
    const [first, second] = ['a', 'b'].map((hashed) => hasher.admit(({ verify }) => verify('p', hashed)))
    open[0]?.fail(new Error('out of memory'))
    await expect(first).rejects.toThrow('out of memory')
    await expect.poll(() => open.length).toBe(2)
    open[1]?.end(false)
    expect(await second).toBe(false)
    const third = hasher.admit(({ verify }) => verify('p', 'c'))
    await expect.poll(() => open.length).toBe(3)
    open[2]?.end(true)
    expect(await third).toBe(true)
  })

  it('does the same work for nobody, and never says yes', async () => {
    const { work, open } = controlled()
    const hasher = await createPasswordHasher({ concurrency: 1, queue: 0 }, work)
    const verdict = hasher.admit(({ verify }) => verify('nobody has this password', undefined))
    await expect.poll(() => open.length).toBe(1)
    expect(open[0]?.hashed).toBe('nobody')
    open[0]?.end(true)
    expect(await verdict).toBe(false)
  })

  it('hashes with argon2id, 47 MiB, one pass, one lane', async () => {
    const hasher = await createPasswordHasher({ concurrency: 1, queue: 0 })
    const hashed = await hasher.admit(({ hash }) => hash('correct horse battery'))
    expect(hashed).toMatch(/^\$argon2id\$v=19\$m=48128,t=1,p=1\$/)
    expect(await argon2id.verify(hashed, 'correct horse battery')).toBe(true)
    expect(await hasher.admit(({ verify }) => verify('wrong horse battery', hashed))).toBe(false)
  })
})
