/** Mail against a real SMTP server: what arrives, and what is refused. */
import type { SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { startMailServer } from '../../../test/servers/mail.ts'
import { mailWording } from '../../wording/sign-in.ts'
import type { MailSettings } from '../mailer.ts'
import { createSmtpMailer } from './smtp.ts'

const servers: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serve(options: SMTPServerOptions = {}) {
  const { arrived, port, close } = await startMailServer(options)
  servers.push({ close })
  const settings: MailSettings = {
    ...{ host: '127.0.0.1', port, encryption: 'ifOffered', login: undefined },
    from: 'Parley <parley@example.com>',
  }
  return { arrived, settings }
}

const link = 'https://parley.example.com/invite/AAAA-BBBB'
const letter = {
  to: 'ben@example.org',
  ...mailWording.invitation({ by: 'Ada <script>', link, hours: 72, resets: false }),
}

describe('an invitation by mail', () => {
  it('arrives at one address as plain text, with its link whole', async () => {
    const { arrived, settings } = await serve()
    const mailer = createSmtpMailer(settings)
    await mailer.check()
    await mailer.send(letter)
    expect(arrived).toMatchObject([{ from: 'parley@example.com', to: ['ben@example.org'] }])
    const [{ content = '' } = {}] = arrived
    expect(content).toMatch(
      /^From: Parley <parley@example.com>\r\nTo: ben@example.org\r\nSubject: You are invited to Parley/m,
    )
    expect(content).toMatch(/^Content-Type: text\/plain; charset=utf-8/m)
    expect(content).toContain(link)
  })

  it('cannot be sent to more people, nor get other headers, by what somebody writes as an address or a name', async () => {
    const { arrived, settings } = await serve()
    const mailer = createSmtpMailer(settings)
    for (const to of ['ben@example.org, eve@example.org', 'ben@example.org\r\nBcc: eve@example.org']) {
      await mailer.send({ ...letter, to }).catch(() => undefined)
    }
    const by = 'Ada\r\nBcc: eve@example.org'
    await mailer.send({ to: 'ben@example.org', ...mailWording.invitation({ by, link, hours: 72, resets: false }) })
    expect(arrived.flatMap(({ to }) => to)).not.toContain('eve@example.org')
    for (const { content } of arrived) expect(content.split('\r\n\r\n')[0]).not.toMatch(/^bcc:/im)
  })

  it('says why it was not sent: a refused login, a refused address, no encryption, no server', async () => {
    const failure = async (settings: MailSettings) =>
      await createSmtpMailer(settings)
        .send(letter)
        .catch((e: unknown) => e)
    const refusing = await serve({ authOptional: false, onAuth: (_, __, done) => done(new Error('no')) })
    const login = { user: 'parley', pass: 'wrong' }
    expect(await failure({ ...refusing.settings, login })).toMatchObject({
      code: 'mail_failed',
      userMessage: mailWording.failed('127.0.0.1', mailWording.refusedLogin),
    })
    const strict = await serve({ onRcptTo: (_, __, done) => done(new Error('no such user')) })
    expect(await failure(strict.settings)).toMatchObject({
      userMessage: mailWording.failed('127.0.0.1', mailWording.refusedAddress),
    })
    const open = await serve()
    expect(await failure({ ...open.settings, encryption: 'required' })).toMatchObject({
      userMessage: mailWording.failed('127.0.0.1', mailWording.noEncryption),
    })
    expect(open.arrived).toEqual([])
    expect(await failure({ ...open.settings, port: 1 })).toMatchObject({
      userMessage: mailWording.failed('127.0.0.1', mailWording.unreachable),
    })
  })

  it('is sent with a login that the server knows', async () => {
    const seen: string[] = []
    const { arrived, settings } = await serve({
      authOptional: false,
      onAuth({ username = '', password }, _, done) {
        seen.push(`${username} ${password}`)
        done(null, { user: username })
      },
    })
    await createSmtpMailer({ ...settings, login: { user: 'parley', pass: 'p@ss' } }).send(letter)
    expect(seen).toEqual(['parley p@ss'])
    expect(arrived).toHaveLength(1)
  })
})
