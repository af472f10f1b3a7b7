import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAudio } from '@veza/kit/testing'
import { type Browser, type Locator, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { helper } from '../stack/helper-server.ts'
import { register, request } from '../support/api.ts'
import { readTrack, uploadTrack } from '../support/audio.ts'
import { accessibilityProblems, openWindow, startChromium, type Window } from '../support/chromium.ts'
import { ops } from '../support/ops.ts'
import { corpus, overflow, say, signUp, tabTo } from '../support/page.ts'
import { pageTypes } from '../support/page-types.ts'
import { openKafka, putCommand } from './kafka.ts'

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

    // A picture of one's own, at once and in the list of tracks.
    const main = ann.page.getByRole('main')
    await main.getByRole('button', { name: 'Edit' }).click()
    const cover = main.getByRole('group', { name: 'Cover' })
    await cover
      .locator('input[type=file]')
      .setInputFiles(join(import.meta.dirname, '../../docs/images/page.png'))
    await cover.locator('img').waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await main.getByRole('button', { name: 'Cancel' }).click()
    await main.locator('img.cover-large').waitFor()

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
    // Written while the conversation is still being loaded, as people with a slow network do.
    const history = /\/v1\/rooms\/[^/]+\/messages/
    let release = (): void => undefined
    const written = new Promise<void>((resolve) => (release = resolve))
    await ben.page.route(history, async (route) => {
      await written
      await route.continue()
    })
    await ben.page.getByRole('button', { name: 'Join' }).click()
    await say(ben.page, 'Hello')
    await ben.page.getByLabel('Message', { exact: true }).fill('Is this yours?')
    release()
    await ben.page.getByRole('log').getByText('Hello').waitFor()
    await ben.page.keyboard.press('Enter')
    await ann.page.getByRole('log').getByText('Is this yours?').waitFor()
    await say(ann.page, 'It is, and <b>new</b>')
    await ben.page.getByRole('log').getByText('It is, and <b>new</b>').waitFor()
    await settled(ann.page)
    expect(await said(ann.page)).toEqual(['Hello', 'Is this yours?', 'It is, and <b>new</b>'])
    expect(await accessibilityProblems(ann.page)).toEqual([])

    // Who opened the room looks after it.
    await ann.page.getByRole('button', { name: 'Who is in the room' }).click()
    const people = ann.page.getByRole('complementary', { name: 'Who is in the room' })
    await people.getByRole('button', { name: 'Mute for an hour: Ben' }).click()
    await people.getByRole('button', { name: 'Let speak: Ben' }).click()
    await people.getByRole('button', { name: 'Mute for an hour: Ben' }).waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await people.getByRole('button', { name: 'Close' }).click()

    // What may be done to a message is seen by the other at once: a reaction, a reply, an edit, a deletion.
    const message = (of: Window) => of.page.getByRole('log').getByRole('article', { name: 'Message of Ann' })
    const press = async (of: Window, name: string): Promise<void> => {
      await message(of).hover()
      await message(of).getByRole('button', { name, exact: true }).click()
    }
    await press(ben, 'React')
    await press(ben, 'React with 🎧')
    await message(ann).getByRole('button', { name: '🎧, 1' }).waitFor()
    await press(ben, 'Reply')
    await say(ben.page, 'Well done')
    await press(ann, '1 reply')
    const thread = ann.page.getByRole('complementary', { name: 'Thread' })
    await thread.getByText('Well done').waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await thread.getByRole('button', { name: 'Close' }).click()
    await press(ann, 'Edit')
    await message(ann).getByRole('textbox', { name: 'Edit' }).fill('It is, and loud')
    await ann.page.keyboard.press('Enter')
    await message(ben).getByText('edited', { exact: true }).waitFor()
    ann.page.once('dialog', (dialog) => void dialog.accept())
    await press(ann, 'Delete')
    await ben.page.getByText('This message was deleted').waitFor()
    expect(await said(ben.page)).toEqual(['Hello', 'Is this yours?', 'Well done'])

    // A name is offered after @, chosen by keys, told to whom it names, and shown as a name.
    const field = ann.page.getByRole('textbox', { name: 'Message', exact: true })
    await field.pressSequentially('Thank you @be')
    await ann.page.getByRole('option', { name: 'Ben' }).waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await field.press('Tab')
    expect(await field.inputValue()).toBe('Thank you @Ben ')
    await field.press('Enter')
    await ben.page.getByRole('log').getByRole('link', { name: '@Ben' }).waitFor()
    await settled(ann.page)

    // An edit keeps whom the text still names.
    const thanks = ann.page.getByRole('log').getByRole('article').filter({ hasText: 'Thank you' })
    await thanks.hover()
    await thanks.getByRole('button', { name: 'Edit' }).click()
    await ann.page.getByRole('textbox', { name: 'Edit' }).fill('Thank you very much @Ben')
    await ann.page.keyboard.press('Enter')
    const edited = ben.page.getByRole('log').getByRole('article').filter({ hasText: 'very much' })
    await edited.getByRole('link', { name: '@Ben' }).waitFor()

    expect([...ann.errors, ...ben.errors]).toEqual([])
    await Promise.all([ann.context.close(), ben.context.close()])
  })

  it('is used from signing up to talking by keys alone, and what one stood on is never lost', async () => {
    const ann = await openWindow(browser, inject('veza').http)
    const { page } = ann
    const enter = async (target: Locator): Promise<void> => {
      await tabTo(page, target)
      await page.keyboard.press('Enter')
    }
    const write = async (label: string, text: string): Promise<void> => {
      await tabTo(page, page.getByLabel(label, { exact: true }))
      await page.keyboard.type(text)
    }
    await page.goto('/')
    await enter(page.getByRole('button', { name: 'Create an account' }))
    await write('Name', 'Ann')
    await write('E-mail', `${randomUUID()}@example.org`)
    await write('Password', `a long one ${randomUUID()}`)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'New tracks' }).waitFor()

    await enter(page.getByRole('link', { name: 'Rooms' }))
    const room = `Keys ${randomUUID().slice(0, 8)}`
    await write('Name of the room', room)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: room }).waitFor()
    await write('Message', 'Said by keys')
    await page.keyboard.press('Enter')
    await page.getByRole('log').getByText('Said by keys').waitFor()
    await settled(page)
    await page.keyboard.type('and more')
    await page.keyboard.press('Enter')
    await page.getByRole('log').getByText('and more').waitFor()
    await settled(page)

    const message = page.getByRole('log').getByRole('article').first()
    const standsOn = (): Promise<string> => page.evaluate<string>('document.activeElement.ariaLabel ?? ""')
    await tabTo(page, message.getByRole('button', { name: 'React' }), 'Shift+Tab')
    await page.keyboard.press('Enter')
    await enter(message.getByRole('button', { name: 'React with 🎧' }))
    await message.getByRole('button', { name: '🎧, 1' }).waitFor()
    expect(await standsOn()).toBe('React')
    await enter(message.getByRole('button', { name: 'Edit' }))
    await message.getByRole('textbox', { name: 'Edit' }).waitFor()
    await page.keyboard.press('End')
    await page.keyboard.type(' alone')
    await page.keyboard.press('Enter')
    await page.getByRole('log').getByText('Said by keys alone').waitFor()
    expect(await standsOn()).toBe('Edit')
    expect(ann.errors).toEqual([])
    await ann.context.close()
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

  it('says what is wrong and loses nothing that was typed; who was signed out elsewhere signs in again', async () => {
    const { http } = inject('veza')
    const ann = await openWindow(browser, http)
    await signUp(ann, 'Ann')
    const { page } = ann
    await page.getByRole('link', { name: 'Rooms' }).click()
    const body = JSON.stringify({ status: 503, code: 'unavailable', title: 'Service Unavailable', type: '' })
    const busy = { status: 503, contentType: 'application/problem+json', body }
    await page.route('**/v1/rooms', (route) =>
      route.request().method() === 'POST' ? route.fulfill(busy) : route.continue(),
    )
    const room = `Patience ${randomUUID().slice(0, 8)}`
    await page.getByLabel('Name of the room').fill(room)
    await page.getByRole('button', { name: 'New room' }).click()
    await page.getByRole('alert').getByText('Veza is busy at the moment').waitFor()
    expect(await page.getByLabel('Name of the room').inputValue()).toBe(room)
    await page.unroute('**/v1/rooms')
    await page.getByRole('button', { name: 'New room' }).click()
    await page.getByRole('heading', { name: room }).waitFor()

    const refreshToken =
      (await page.evaluate<string | null>(`localStorage.getItem('veza.refresh-token')`)) ?? ''
    const ended = await request(http, 'POST', '/v1/auth/logout', { body: { refreshToken } })
    expect(ended.status).toBeLessThan(300)
    await page.getByRole('button', { name: 'Sign in' }).first().waitFor()
    expect(ann.errors).toEqual([])
    await ann.context.close()
  })

  it('shows every page in French, narrow, light and dark, and what scripts people write as text', async () => {
    const { http } = inject('veza')
    const account = { email: `${randomUUID()}@example.org`, password: `a long one ${randomUUID()}` }
    const stranger = await register(http, corpus[0], account)
    const told = async (method: string, path: string, body: unknown): Promise<{ id: string }> => {
      const answer = await request(http, method, path, { token: stranger.token, body })
      expect(answer.status, `${method} ${path}`).toBeLessThan(300)
      return answer.body as { id: string }
    }
    await ops('grant-role', account.email, 'admin')
    const trackId = await uploadTrack(http, stranger, await makeAudio(dir, 'x.mp3'), { title: corpus[1] })
    const room = await told('POST', '/v1/rooms', { name: corpus[2], visibility: 'public' })
    const playlist = await told('POST', '/v1/playlists', { title: corpus[3], visibility: 'public' })
    await vi.waitFor(async () => {
      expect((await readTrack(http, stranger, trackId)).status).toBe('ready')
    }, 60_000)
    await told('PATCH', `/v1/tracks/${trackId}`, {
      description: corpus.join('\n'),
      artist: corpus[4],
      genre: corpus[5],
      tags: ['<b>tag</b>'],
    })
    await told('PUT', `/v1/playlists/${playlist.id}/tracks/${trackId}`, {})
    await told('PATCH', '/v1/users/me', { bio: corpus.join('\n'), location: corpus[1] })
    for (const body of corpus)
      await told('POST', `/v1/rooms/${room.id}/messages`, { clientMessageId: randomUUID(), body })

    const window = await openWindow(browser, http, {
      locale: 'fr-FR',
      viewport: { width: 360, height: 740 },
    })
    const { page } = window
    await page.goto('/')
    await page.getByLabel('E-mail').fill(account.email)
    await page.getByLabel('Mot de passe').fill(account.password)
    await page.getByRole('button', { name: 'Se connecter' }).click()
    await page.getByRole('heading', { name: 'Nouveaux morceaux' }).waitFor()
    const pages = [
      ['/', corpus[1]],
      [`/tracks/${trackId}`, corpus[4]],
      [`/people/${stranger.id}`, corpus[0]],
      [`/rooms/${room.id}`, corpus[5]],
      ['/rooms', corpus[2]],
      ['/library', corpus[1]],
      ['/library?tab=playlists', corpus[3]],
      [`/playlists/${playlist.id}`, corpus[3]],
      ['/search?q=script', 'Morceaux'],
      ['/inbox', 'Rien ne vous attend.'],
      ['/settings', 'Vos données'],
      ['/status', 'Accès WebSocket'],
      ['/nowhere', 'Il n’y a rien ici'],
    ] as const
    for (const [at, [path, text]] of pages.entries()) {
      await page.emulateMedia({ colorScheme: at % 2 === 0 ? 'dark' : 'light' })
      await page.goto(path)
      await page.getByRole('main').getByText(text, { exact: false }).first().waitFor()
      expect(await accessibilityProblems(page), path).toEqual([])
      expect(await page.evaluate<number>(overflow), path).toBe(0)
      expect(await page.evaluate<unknown>('globalThis.veza_xss'), path).toBeUndefined()
    }
    expect(window.errors).toEqual([])
    await window.context.close()
  })

  it('shows an administrator how many records a group laid aside, and why, and writes one to its topic again', async () => {
    const { http } = inject('veza')
    const account = { email: `${randomUUID()}@example.org`, password: `a long one ${randomUUID()}` }
    await register(http, 'Ada', account)
    await ops('grant-role', account.email, 'admin')
    await putCommand(openKafka(), randomUUID(), Buffer.from(`poison ${randomUUID()}`))
    const ada = await openWindow(browser, http)
    const { page } = ada
    await page.goto('/')
    await page.getByLabel('E-mail').fill(account.email)
    await page.getByLabel('Password').fill(account.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'Status' }).click()
    const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'chat-fanout' }) })
    const aside = async (): Promise<number> => Number(await row.getByRole('cell').last().textContent())
    await vi.waitFor(async () => {
      expect(await aside()).toBeGreaterThan(0)
    }, 30_000)
    const letters = page.getByRole('region', { name: 'Dead letters' })
    await letters.getByRole('button', { name: 'Look again' }).click()
    const buttons = letters.getByRole('button', { name: /^Redrive: chat-fanout/ })
    await buttons.first().waitFor()
    const before = await aside()
    const name = (await buttons.first().getAttribute('aria-label')) ?? ''
    expect(await accessibilityProblems(page)).toEqual([])
    await buttons.first().click()
    await letters.getByRole('button', { name, exact: true }).waitFor({ state: 'detached' })
    await letters.getByText('Redriven by Ada').waitFor()
    // What is no record dies again, and the count says that too.
    await vi.waitFor(async () => {
      expect(await aside()).toBeGreaterThan(before)
    }, 30_000)
    expect(ada.errors).toEqual([])
    await ada.context.close()
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
