import { randomUUID } from 'node:crypto'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAudio } from '@veza/kit/testing'
import { type Browser, type Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { register } from '../support/api.ts'
import { accessibilityProblems, openWindow, startChromium, type Window } from '../support/chromium.ts'
import { corpus, enter, signUp } from '../support/page.ts'

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

/** Passes connections on to the edge, and cuts the first one that has sent it so many bytes, in the middle of them. */
const cutAfter = async (bytes: number, target: URL): Promise<Server> => {
  let isCut = false
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const edge = connect(Number(target.port), target.hostname)
    let passed = 0
    for (const [one, other] of [
      [client, edge],
      [edge, client],
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => {
      passed += chunk.length
      if (isCut || passed < bytes) return
      isCut = true
      client.resetAndDestroy()
      edge.destroy()
    })
  })
  server.once('close', () => {
    for (const socket of open) socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

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

  it('go on inside a piece that was cut in the middle', async () => {
    const { http } = inject('veza')
    const server = await cutAfter(6_000_000, new URL(http))
    const through = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const eve = await openWindow(browser, through)
    await enter(eve, await register(http, 'Eve'))
    await eve.page.goto('/')
    await eve.page.getByRole('heading', { name: 'New tracks' }).waitFor()
    const began: number[] = []
    eve.page.on('request', (request) => {
      if (request.method() === 'PATCH') began.push(Number(request.headers()['upload-offset']))
    })
    const file = await makeAudio(dir, 'inside.wav', { seconds: 60 })
    await eve.page.locator('input[type=file]').first().setInputFiles(file)
    await eve.page.getByRole('link', { name: 'Open the track' }).waitFor({ timeout: 60_000 })
    const piece = 4_000_000
    const inside = began.filter((offset) => offset % piece !== 0)
    expect(began[0]).toBe(0)
    expect(inside.length, began.join()).toBeGreaterThan(0)
    expect(inside[0]).toBeGreaterThan(piece)
    await eve.context.close()
    server.close()
  })

  it('that broke off are named after a reload, go on by their file alone, or are dropped', async () => {
    const { page } = ann
    const [name, dropped] = [`Half ${randomUUID().slice(0, 8)}`, `Drop ${randomUUID().slice(0, 8)}`]
    const file = await makeAudio(dir, `${name}.wav`, { seconds: 60 })
    const other = await makeAudio(dir, `${dropped}.wav`, { seconds: 60 })
    let isCut = true
    const arrived: number[] = []
    await page.route(pieces, async (route: Route) => {
      const request = route.request()
      if (request.method() !== 'PATCH') return route.continue()
      const offset = Number(request.headers()['upload-offset'])
      if (isCut && offset > 0) return route.abort('connectionreset')
      arrived.push(offset)
      return route.continue()
    })
    const { size } = await stat(file)
    const percent = Math.floor((4_000_000 / size) * 100)
    for (const each of [file, other]) await choose(each)
    const row = (title: string) => panel().getByRole('listitem').filter({ hasText: title })
    for (const title of [name, dropped])
      await row(title)
        .getByText(/^Uploading, [3-9]\d %$/)
        .waitFor()
    await page.reload()
    for (const title of [name, dropped]) await row(title).getByText(`Broken off at ${percent} %`).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])

    const again = row(name).locator('input[type=file]')
    await again.setInputFiles(other)
    await row(name).getByText('That is another file.').waitFor()
    arrived.length = 0
    isCut = false
    await again.setInputFiles(file)
    await row(name).getByRole('link', { name: 'Open the track' }).waitFor({ timeout: 60_000 })
    expect(arrived[0]).toBe(4_000_000)
    const ended = page.waitForResponse((response) => response.request().method() === 'DELETE')
    await row(dropped).getByRole('button', { name: 'Drop the upload' }).click()
    expect((await ended).status()).toBe(204)
    await page.reload()
    await page.getByRole('heading', { name: 'New tracks' }).waitFor()
    await page.waitForLoadState('networkidle')
    expect(await row(dropped).count()).toBe(0)
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
