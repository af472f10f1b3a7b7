/** Letters that auth writes. */
export type MailKind = 'verify-email' | 'reset-password' | 'password-changed'

/** What the token in a letter allows; one kind is never accepted for another. */
export type TokenPurpose = Exclude<MailKind, 'password-changed'>

/** Where in the web client a link leads, below its base. */
const paths: Readonly<Record<TokenPurpose, string>> = {
  'verify-email': '/verify-email',
  'reset-password': '/reset-password',
}

// Behind the #, the token reaches neither the web server's log nor another site's Referer.
const link = (base: string, path: string, token: string) =>
  `${base.replace(/\/+$/, '')}${path}#token=${token}`

/**
 * Pure: what a letter says. It holds nothing that a person typed: whoever registers somebody else's address would have
 * us send their words to it.
 */
export const writeLetter = (
  kind: MailKind,
  { appUrl, token }: { appUrl: string; token: string | undefined },
): { subject: string; text: string } => {
  switch (kind) {
    case 'verify-email':
      return {
        subject: 'Veza: is this your address?',
        text:
          'Somebody, probably you, opened an account at Veza with this e-mail address.\n' +
          'To say that the address is yours, follow this link within three days:\n\n' +
          `${link(appUrl, paths[kind], token ?? '')}\n\n` +
          'If it was not you, do nothing.\n',
      }
    case 'reset-password':
      return {
        subject: 'Veza: a new password',
        text:
          'Somebody, probably you, asked for a new password for the Veza account of this e-mail address.\n' +
          'To choose one, follow this link within an hour:\n\n' +
          `${link(appUrl, paths[kind], token ?? '')}\n\n` +
          'If it was not you, do nothing: the password stays as it is.\n',
      }
    case 'password-changed':
      return {
        subject: 'Veza: your password was changed',
        text:
          'The password of your Veza account was changed a moment ago, and other sessions were signed out.\n' +
          'If it was not you, ask for a new password at once:\n\n' +
          `${appUrl.replace(/\/+$/, '')}/forgot-password\n`,
      }
  }
}
