/** The mail server, by SMTP_URL and MAIL_FROM. */
import querystring from 'node:querystring'
import type { MailSettings } from '../identity/mailer.ts'
import { mailWording } from '../wording/sign-in.ts'
import { type Environment, isLoopback } from './environment.ts'

export function mailProblems({ SMTP_URL: url, MAIL_FROM: from }: Environment): string[] {
  return [
    ...(url !== undefined && from === undefined ? [mailWording.fromMissing] : []),
    ...(url === undefined && from !== undefined ? [mailWording.urlMissing] : []),
  ]
}

export function mailSettings({ SMTP_URL: url, MAIL_FROM: from }: Environment): MailSettings | undefined {
  if (url === undefined || from === undefined) return undefined
  const { protocol, hostname, port, username, password } = new URL(url)
  const encryption = protocol === 'smtps:' ? 'fromStart' : isLoopback(hostname) ? 'ifOffered' : 'required'
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (encryption === 'fromStart' ? 465 : 587) : Number(port),
    encryption,
    login: username === '' ? undefined : { user: querystring.unescape(username), pass: querystring.unescape(password) },
    from,
  }
}
