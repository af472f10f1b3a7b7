import { randomUUID } from 'node:crypto'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAudio } from '@veza/kit/testing'
import { type Browser, type Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openWindow, startChromium, type Window } from '../support/chromium.ts'
import { corpus, signUp } from '../support/page.ts'

let browser: Browser
let dir: string
let ann: Window
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-page-uploads-'))
  browser = await startChromium()
  ann = await openWindow(browser, inject('veza').http)
  await signUp(ann, 'Ann')
})
afterAll(async () => {
  await browser.close()
  await rm(dir, { recursive: true })
})

const choose = async (file: string): Promise<void> => {
  await ann.page.locator('input[type=file]').first().setInputFiles(file)
}
const panel = () => ann.page.getByRole('region', { name: 'Uploads' })
const pieces = '**/v1/uploads/*'

describe('uploads on the page', () => {
  it('go on where they stopped when the connection was cut, by itself and over a reload', async () => {
    const { page, context } = ann
    const file = await makeAudio(dir, `Cut ${randomUUID().slice(0, 8)}.wav`, { seconds: 60 })
    const { size } = await stat(file)
    /** Where each piece began that came through, and what is to become of the next one. */
    const arrived: number[] = []
    let next: 'through' | 'offline' | 'dropped' = 'through'
    let onCut = (): void => undefined
    const nextCut = (): Promise<void> => new Promise((resolve) => (onCut = resolve))
    await page.route(pieces, async (route: Route) => {
      const request = route.request()
      if (request.method() !== 'PATCH') return route.continue()
      if (next !== 'through') {
        if (next === 'offline') await context.setOffline(true)
        onCut()
        return route.abort('connectionreset')
      }
      arrived.push(Number(request.headers()['upload-offset']))
      next = arrived.length === 1 ? 'offline' : arrived.length === 2 ? 'dropped' : 'through'
      return route.continue()
    })

    let cut = nextCut()
    await choose(file)
    await cut
    await panel()
      .getByText(/^Uploading, \d+ %$/)
      .waitFor()
    cut = nextCut()
    next = 'through'
    await context.setOffline(false)
    await cut
    await page.reload()
    await page.getByRole('heading', { name: 'New tracks' }).waitFor()
    next = 'through'
    await choose(file)
    await panel().getByText('Ready', { exact: true }).waitFor({ timeout: 60_000 })

    const piece = 4_000_000
    expect(size).toBeGreaterThan(2 * piece)
    expect(arrived).toEqual([0, piece, 2 * piece])
    await page.unroute(pieces)
  })

  it('are refused before they begin when the file is larger than any that is taken', async () => {
    const { page } = ann
    const file = join(dir, 'hours.wav')
    const handle = await open(file, 'w')
    await handle.truncate(2 ** 30 + 1)
    await handle.close()
    const begun: string[] = []
    await page.route('**/v1/uploads', (route) => {
      begun.push(route.request().method())
      return route.continue()
    })
    await choose(file)
    await panel().getByText('The file is too large: 1,074 MB is the most that is taken.').waitFor()
    expect(await panel().getByRole('button', { name: 'Go on with the upload' }).count()).toBe(0)
    expect(begun).not.toContain('POST')
    await page.unroute('**/v1/uploads')
  })

  it('show what scripts people wrote into a file’s name and tags as text', async () => {
    const { page, errors } = ann
    const tags = ['title', 'artist', 'album', 'genre', 'comment', 'lyrics']
    const name = '<img src=x onerror=veza=1>'
    const file = await makeAudio(dir, `${name}.mp3`, {
      extra: tags.flatMap((tag, at) => ['-metadata', `${tag}=${corpus[at] ?? ''}`]),
    })
    await choose(file)
    const row = panel().getByRole('listitem').filter({ hasText: name })
    await row.getByText('Ready', { exact: true }).waitFor({ timeout: 60_000 })
    await row.getByRole('link', { name: 'Open the track' }).click()
    await page.getByRole('heading', { name: corpus[0] }).waitFor()
    await page.getByRole('main').getByText(corpus[1]).first().waitFor()
    expect(await page.evaluate<unknown>('globalThis.veza_xss ?? globalThis.veza')).toBeUndefined()
    expect(errors).toEqual([])
  })
})
