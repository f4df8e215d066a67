/** Mail by SMTP. Letters hold links that open accounts, so nothing leaves this machine unencrypted. */
import { createTransport } from 'nodemailer'
import { ParleyError } from '../../core/errors.ts'
import { mailWording } from '../../wording/sign-in.ts'
import type { Mailer, MailSettings } from '../mailer.ts'

const timeoutMs = 10_000

export function createSmtpMailer({ host, port, encryption, login, from }: MailSettings): Mailer {
  const transport = createTransport({
    host,
    port,
    secure: encryption === 'fromStart',
    requireTLS: encryption === 'required',
    auth: login,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // Letters are built here alone: no file and no address is ever attached by their text.
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  async function translated<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (cause) {
      throw new ParleyError('mail_failed', mailWording.failed(host, reasonOf(cause)), { cause })
    }
  }

  return {
    async send({ to, subject, text }) {
      await translated(transport.sendMail({ from, to: { name: '', address: to }, subject, text }))
    },
    async check() {
      await translated(transport.verify())
    },
  }
}

/** What an admin can do about it, by Nodemailer's codes (https://nodemailer.com/smtp/#error-codes). */
function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EAUTH') return mailWording.refusedLogin
  if (code === 'EENVELOPE') return mailWording.refusedAddress
  if (code === 'ETLS') return mailWording.noEncryption
  return mailWording.unreachable
}
