import { randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'

/** A letter to one person, plain text. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Sends letters: by SMTP, or into a folder where there is no mail server. */
export interface Mailer {
  /** Resolves when somebody has taken responsibility for the letter. Rejects with whatever kept them from it. */
  send(mail: Mail): Promise<void>
  close(): void
}

/** @param url smtp://user:password@host:port, or smtps:// for TLS from the start; STARTTLS is used where it is offered */
export const smtpMailer = (url: string, from: string): Mailer => {
  const transport = createTransport(
    // What stands in a letter comes from us, but for names: none of it is to be fetched.
    { url, connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 10_000 },
    { from, disableFileAccess: true, disableUrlAccess: true },
  )
  return {
    async send(mail) {
      await transport.sendMail(mail)
    },
    close() {
      transport.close()
    },
  }
}

/** Writes each letter as a file of its own, `<time>-<id>.eml` (RFC 5322), that appears when it is whole. */
export const folderMailer = (folder: string, from: string): Mailer => {
  const transport = createTransport(
    { streamTransport: true, buffer: true, newline: 'unix' },
    { from, disableFileAccess: true, disableUrlAccess: true },
  )
  return {
    async send(mail) {
      const { message } = await transport.sendMail(mail)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const name = join(folder, `${new Date().toISOString().replaceAll(':', '')}-${randomUUID()}.eml`)
      await writeFile(`${name}.part`, message as Buffer, { mode: 0o600 })
      await rename(`${name}.part`, name)
    },
    close() {
      transport.close()
    },
  }
}
