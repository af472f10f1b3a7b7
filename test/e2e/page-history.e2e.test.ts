import { randomUUID } from 'node:crypto'
import { type Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createRoom, inParallel, join, register, request } from '../support/api.ts'
import { accessibilityProblems, openWindow, startChromium } from '../support/chromium.ts'
import { enter, say } from '../support/page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(async () => {
  await browser.close()
})

/** More than the page holds at once, which are 400. */
const many = 480

/**
 * Scrolls to an end, some pixels a frame, and watches one row after the other: where it is once more is drawn, and where
 * it was to be. Positive: upwards.
 */
const scrollBy = (pixels: number): string => `(async () => {
  const log = document.querySelector('[role=log]')
  const numbers = new Set()
  const frame = () => new Promise(requestAnimationFrame)
  let [still, jump, most] = [0, 0, 0]
  while (still < 60) {
    const rows = [...log.querySelectorAll('[data-number]')]
    most = Math.max(most, rows.length)
    const top = log.getBoundingClientRect().top
    const row = rows.find((each) => each.getBoundingClientRect().bottom > top)
    for (const each of rows) numbers.add(Number(each.dataset.number))
    const before = [row.getBoundingClientRect().top, log.scrollTop]
    log.scrollTop -= ${pixels}
    const moved = before[1] - log.scrollTop
    still = moved === 0 ? still + 1 : 0
    await frame()
    await frame()
    jump = Math.max(jump, Math.abs(row.getBoundingClientRect().top - before[0] - moved))
  }
  const bodies = [...log.querySelectorAll('.message-body')].map(({ textContent }) => textContent)
  return { seen: numbers.size, jump, most, first: bodies[0], last: bodies.at(-1) }
})()`

/** Pixels between what is seen and the end. */
const belowSeen = `[document.querySelector('[role=log]')]
  .map((log) => log.scrollHeight - log.scrollTop - log.clientHeight)[0]`

interface Scrolled {
  seen: number
  jump: number
  most: number
  first: string
  last: string
}

it('scrolls through a long history both ways without a jump or a hole, and without losing the keyboard', async () => {
  const { http } = inject('veza')
  const [ann, ben] = [await register(http, 'Ann'), await register(http, 'Ben')]
  const room = await createRoom(http, ann, `Long ${randomUUID().slice(0, 8)}`)
  await join(http, ben, room)
  const post = async (token: string, body: string): Promise<void> => {
    const message = { clientMessageId: randomUUID(), body }
    const { status } = await request(http, 'POST', `/v1/rooms/${room}/messages`, { token, body: message })
    expect(status).toBe(202)
  }
  await post(ann.token, 'the first')
  await inParallel(16, Array.from({ length: many - 2 }), (_, at) =>
    post((at % 3 === 0 ? ben : ann).token, `line ${'and so on '.repeat(at % 40)}`),
  )
  await post(ann.token, 'the last')
  const window = await openWindow(browser, http)
  const { page } = window
  await enter(window, ann)
  await page.goto(`/rooms/${room}`)
  const log = page.getByRole('log')
  await log.getByText('the last').waitFor()

  const back = await page.evaluate<Scrolled>(scrollBy(300))
  expect(back).toMatchObject({ seen: many, first: 'the first' })
  expect(back.jump).toBeLessThan(1)
  expect(back.most).toBeLessThan(200)
  expect(await accessibilityProblems(page)).toEqual([])

  // The row that has the keyboard goes in the end: the list has it then. What comes meanwhile moves nothing.
  await log.getByRole('article').first().getByRole('button', { name: 'React' }).focus()
  await post(ben.token, 'while you were away')
  const forth = await page.evaluate<Scrolled>(scrollBy(-300))
  expect(forth).toMatchObject({ seen: many + 1, last: 'while you were away' })
  expect(forth.jump).toBeLessThan(1)
  expect(await page.evaluate<string>('document.activeElement.role')).toBe('log')

  // Whoever writes sees what they write.
  await say(page, 'here I am')
  await log.getByText('here I am').waitFor()
  await page.getByText('Sending', { exact: true }).waitFor({ state: 'detached' })
  expect(await page.evaluate<number>(belowSeen)).toBeLessThan(60)
  expect(window.errors).toEqual([])
})
