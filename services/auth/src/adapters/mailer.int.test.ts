import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { folderMailer, smtpMailer } from './mailer.ts'

const from = 'Veza <no-reply@veza.example>'
const mail = {
  to: 'ana@example.org',
  subject: 'Grüße',
  text: 'Follow this link: https://veza.example/#token=abc\n',
}

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A real mail server that keeps what it takes. */
const mailServer = async (refuse?: string) => {
  const taken: { user: string | undefined; from: string; to: string[]; text: string }[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      if (password === 'of the mail server') done(null, { user: username })
      else done(new Error('no'))
    },
    onRcptTo(_address, _session, done) {
      done(refuse === undefined ? null : new Error(refuse))
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        taken.push({
          user: session.user as string | undefined,
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
        })
        done()
      })
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve)
      }),
  )
  return { taken, port: (server.server.address() as AddressInfo).port }
}

describe('mail by SMTP', () => {
  it('reaches the server, signed in to, with its envelope and its text', async () => {
    const { taken, port } = await mailServer()
    const mailer = smtpMailer(`smtp://veza:of%20the%20mail%20server@127.0.0.1:${port}`, from)
    await mailer.send(mail)
    mailer.close()
    expect(taken).toEqual([
      {
        user: 'veza',
        from: 'no-reply@veza.example',
        to: ['ana@example.org'],
        text: expect.stringContaining('Follow this link: https://veza.example/#token=abc') as string,
      },
    ])
    expect(taken[0]?.text).toContain('From: Veza <no-reply@veza.example>')
    expect(taken[0]?.text).toContain('To: ana@example.org')
  })

  it('is rejected when the server refuses it, or is not there', async () => {
    const { port } = await mailServer('no such person')
    const mailer = smtpMailer(`smtp://127.0.0.1:${port}`, from)
    await expect(mailer.send(mail)).rejects.toThrow('no such person')
    for (const close of closing.splice(0)) await close()
    await expect(mailer.send(mail)).rejects.toThrow('ECONNREFUSED')
    mailer.close()
  })

  it('sends one letter to one address, whatever the address looks like', async () => {
    const { taken, port } = await mailServer()
    const mailer = smtpMailer(`smtp://127.0.0.1:${port}`, from)
    await mailer.send({ ...mail, subject: 'one\r\nBcc: eve@example.org' })
    expect(taken[0]?.to).toEqual(['ana@example.org'])
    expect(taken[0]?.text).not.toMatch(/^Bcc:/m)
    mailer.close()
  })
})

describe('mail into a folder', () => {
  it('is one file a letter, for nobody else to read', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'veza-mail-'))
    closing.push(() => rm(parent, { recursive: true }))
    const folder = join(parent, 'mail')
    const mailer = folderMailer(folder, from)
    await mailer.send(mail)
    await mailer.send(mail)
    mailer.close()
    const files = await readdir(folder)
    expect(files).toHaveLength(2)
    const path = join(folder, files[0] ?? '')
    expect(path).toMatch(/\.eml$/)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).toContain('Follow this link: https://veza.example/#token=abc')
  })
})
