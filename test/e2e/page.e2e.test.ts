import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAudio } from '@veza/kit/testing'
import { type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { helper } from '../stack/helper-server.ts'
import { accessibilityProblems, openWindow, startChromium, type Window } from '../support/chromium.ts'
import { pageTypes } from '../support/page-types.ts'

let browser: Browser
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-page-'))
  browser = await startChromium()
})
afterAll(async () => {
  await browser.close()
  await rm(dir, { recursive: true })
})

const signUp = async ({ page }: Window, name: string): Promise<void> => {
  await page.goto('/')
  await page.getByRole('button', { name: 'Create an account' }).click()
  expect(await accessibilityProblems(page)).toEqual([])
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('E-mail').fill(`${randomUUID()}@example.org`)
  await page.getByLabel('Password').fill(`a long one ${randomUUID()}`)
  await page.getByRole('button', { name: 'Create an account' }).click()
  await page.getByRole('heading', { name: 'New tracks' }).waitFor()
}

const say = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel('Message', { exact: true }).fill(text)
  await page.keyboard.press('Enter')
}

/** Bodies of the room's messages, in their order. */
const said = (page: Page): Promise<string[]> =>
  page.getByRole('log').locator('.message-body').allTextContents()

/** Those that the room has shown: not those that are on their way. */
const settled = async (page: Page): Promise<void> => {
  await page.getByText('Sending', { exact: true }).waitFor({ state: 'detached' })
}

describe('the page', () => {
  it('takes somebody from signing up to hearing their track, and to talking about it with the next window', async () => {
    const { http } = inject('veza')
    const [ann, ben] = await Promise.all([openWindow(browser, http), openWindow(browser, http)])
    await Promise.all([signUp(ann, 'Ann'), signUp(ben, 'Ben')])

    const title = `Night drive ${randomUUID().slice(0, 8)}`
    const file = await makeAudio(dir, `${title}.flac`, { seconds: 40 })
    await ann.page.locator('input[type=file]').setInputFiles(file)
    const uploads = ann.page.getByRole('region', { name: 'Uploads' })
    await uploads.getByText('Ready', { exact: true }).waitFor({ timeout: 60_000 })
    await uploads.getByRole('link', { name: 'Open the track' }).click()
    await ann.page.getByRole('heading', { name: title }).waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])

    // Heard, sought by the waveform's keys, and heard on while pages change.
    await ann.page
      .getByRole('main')
      .getByRole('button', { name: `Play ${title}` })
      .click()
    const waveform = ann.page.getByRole('main').getByRole('slider', { name: 'Position in the track' })
    const position = async (): Promise<number> => Number(await waveform.getAttribute('aria-valuenow'))
    await vi.waitFor(async () => {
      expect(await position()).toBeGreaterThan(0)
    }, 30_000)
    await waveform.press('PageUp')
    await vi.waitFor(async () => {
      expect(await position()).toBeGreaterThan(30)
    }, 30_000)
    await ann.page.getByRole('link', { name: 'Rooms' }).click()
    const player = ann.page.getByRole('region', { name: 'Player' })
    await player.getByRole('link', { name: title }).waitFor()
    await ann.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    await player.getByRole('button', { name: 'Pause' }).waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])

    const room = `Talk ${randomUUID().slice(0, 8)}`
    await ann.page.getByLabel('Name of the room').fill(room)
    await ann.page.getByRole('button', { name: 'New room' }).click()
    await ann.page.getByRole('heading', { name: room }).waitFor()
    await ben.page.getByRole('link', { name: 'Rooms' }).click()
    await ben.page.getByRole('link', { name: room }).click()
    await ben.page.getByRole('button', { name: 'Join' }).click()
    await say(ben.page, 'Is this yours?')
    await ann.page.getByRole('log').getByText('Is this yours?').waitFor()
    await say(ann.page, 'It is, and <b>new</b>')
    await ben.page.getByRole('log').getByText('It is, and <b>new</b>').waitFor()
    await settled(ann.page)
    expect(await said(ann.page)).toEqual(['Is this yours?', 'It is, and <b>new</b>'])
    expect(await accessibilityProblems(ann.page)).toEqual([])
    expect([...ann.errors, ...ben.errors]).toEqual([])
    await Promise.all([ann.context.close(), ben.context.close()])
  })

  it('keeps what is written while the edge is away, over a reload too, and it arrives once', async () => {
    const { http, helper: helperUrl } = inject('veza')
    const [ann, ben] = await Promise.all([openWindow(browser, http), openWindow(browser, http)])
    await Promise.all([signUp(ann, 'Ann'), signUp(ben, 'Ben')])
    const room = `Storm ${randomUUID().slice(0, 8)}`
    await ann.page.getByRole('link', { name: 'Rooms' }).click()
    await ann.page.getByLabel('Name of the room').fill(room)
    await ann.page.getByRole('button', { name: 'New room' }).click()
    await ann.page.getByRole('heading', { name: room }).waitFor()
    await ben.page.getByRole('link', { name: 'Rooms' }).click()
    await ben.page.getByRole('link', { name: room }).click()
    await ben.page.getByRole('button', { name: 'Join' }).click()
    await say(ben.page, 'before')
    await ann.page.getByRole('log').getByText('before').waitFor()

    await helper(helperUrl).act('realtime', 'kill')
    await ann.page.getByText('No connection').waitFor()
    await say(ann.page, 'first')
    await say(ann.page, 'second')
    await ann.page.reload()
    await ann.page.getByRole('log').getByText('second').waitFor()
    await helper(helperUrl).act('realtime', 'restart')
    await ben.page.getByRole('log').getByText('second').waitFor({ timeout: 60_000 })
    await settled(ann.page)
    for (const { page } of [ann, ben])
      expect((await said(page)).toSorted()).toEqual(['before', 'first', 'second'])
    expect([...ann.errors, ...ben.errors]).toEqual([])
    await Promise.all([ann.context.close(), ben.context.close()])
  })

  it('is made of the API as it is: npm run api --workspace web writes its types', async () => {
    const { http } = inject('veza')
    const committed = await readFile(
      join(import.meta.dirname, '../../web/src/api/generated/schema.ts'),
      'utf8',
    )
    expect(committed).toBe(await pageTypes(`${http}/openapi.json`))
  })
})
