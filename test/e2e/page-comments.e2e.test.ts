import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { makeAudio } from '@veza/kit/testing'
import { type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { createRoom, join, register } from '../support/api.ts'
import { readTrack, uploadTrack } from '../support/audio.ts'
import { accessibilityProblems, openWindow, startChromium } from '../support/chromium.ts'
import { enter, overflow, say } from '../support/page.ts'

let browser: Browser
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(joinPath(tmpdir(), 'veza-page-comments-'))
  browser = await startChromium()
})
afterAll(async () => {
  await browser.close()
  await rm(dir, { recursive: true })
})

const waveform = (page: Page) => page.getByRole('main').getByRole('slider', { name: 'Position in the track' })
/** Where the marks are on the waveform, percent of its width. */
const marks = async (page: Page): Promise<number[]> => {
  const all = await waveform(page).locator('.place').all()
  const styles = await Promise.all(all.map((mark) => mark.getAttribute('style')))
  return styles.map((style) => Number.parseFloat(style?.replace('--at:', '') ?? ''))
}

describe('the room beside a track', () => {
  it('shows what was said of a place when that place is heard, and leads there', async () => {
    const { http } = inject('veza')
    const [ann, ben] = await Promise.all([register(http, 'Ann'), register(http, 'Ben')])
    const file = await makeAudio(dir, 'song.mp3', { seconds: 40 })
    const trackId = await uploadTrack(http, ann, file, { title: 'song' })
    const room = await createRoom(http, ann, `Comments ${randomUUID().slice(0, 8)}`)
    await join(http, ben, room)
    await vi.waitFor(async () => {
      expect((await readTrack(http, ann, trackId)).status).toBe('ready')
    }, 60_000)
    const [anns, bens] = await Promise.all([
      openWindow(browser, http),
      openWindow(browser, http, { viewport: { width: 360, height: 740 } }),
    ])
    await Promise.all([enter(anns, ann), enter(bens, ben)])
    for (const { page } of [anns, bens]) {
      await page.goto(`/tracks/${trackId}`)
      await page.getByLabel('Room').selectOption(room)
      await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
    }

    // Ann hears it, stops at a place, and says something of it; then something of no place.
    const { page } = anns
    await waveform(page).press('PageUp')
    const heardAt = async (): Promise<number> => Number(await waveform(page).getAttribute('aria-valuenow'))
    await page.getByRole('main').getByRole('button', { name: 'Pause song' }).waitFor()
    await vi.waitFor(async () => {
      expect(await heardAt()).toBeGreaterThan(30)
    }, 30_000)
    const player = page.getByRole('region', { name: 'Player' })
    await player.getByRole('button', { name: 'Pause' }).click()
    await player.getByRole('button', { name: 'Play' }).waitFor()
    const place = page.getByRole('button', { name: /^At 0:3\d$/ })
    const at = await heardAt()
    await say(page, 'What a bass')
    await place.click()
    await say(page, 'Good morning')
    expect(await accessibilityProblems(page)).toEqual([])

    // Ben sees where on the waveform that is, at once and after he loaded it anew, and goes there.
    const shown = async (): Promise<void> => {
      await bens.page.getByRole('log').getByText('Good morning').waitFor()
      await vi.waitFor(async () => {
        expect(await marks(bens.page)).toHaveLength(1)
      })
    }
    await shown()
    await bens.page.reload()
    await shown()
    const [percent = 0] = await marks(bens.page)
    expect(Math.abs(percent - (at / 40) * 100)).toBeLessThan(5)
    const due = bens.page.locator('.due-comment')
    expect(await due.textContent()).toBe('')
    await bens.page
      .getByRole('log')
      .getByRole('link', { name: /^A track 0:3\d$/ })
      .click()
    await due.getByText('What a bass').waitFor()
    expect(await bens.page.evaluate<number>(overflow)).toBe(0)
    expect(await accessibilityProblems(bens.page)).toEqual([])
    await waveform(bens.page).press('Home')
    await due.getByText('What a bass').waitFor({ state: 'detached' })
    await bens.page
      .getByRole('log')
      .getByRole('button', { name: /^A track 0:3\d$/ })
      .click()
    await due.getByText('What a bass').waitFor()
    expect([...anns.errors, ...bens.errors]).toEqual([])
  })
})
