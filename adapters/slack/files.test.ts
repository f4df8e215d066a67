/** Downloads of shared files return the file or an error, and send the token to Slack only. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { Attachment } from '../../src/core/message.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { bot } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { SlackFile } from './events.ts'
import { createFiles } from './files.ts'
import { createInstallations } from './installations.ts'
import { attachmentsOf } from './normalize.ts'

const signal = new AbortController().signal
let slack: SlackStandIn
let stranger: Server
let asked: (string | undefined)[]

beforeEach(async () => {
  slack = await startSlack()
  asked = []
  stranger = createServer((request, response) => {
    asked.push(request.headers.authorization)
    response.end('bytes of a stranger')
  })
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  await slack[Symbol.asyncDispose]()
  stranger.closeAllConnections()
  stranger.close()
})

const elsewhere = () => `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/x`
function files() {
  const settings = { botToken: bot.token, apiUrl: slack.apiUrl }
  const deps = { settings, records: memoryRecords(), quota: createLocalQuota(), log: silentLog }
  return createFiles({ installations: createInstallations(deps), apiUrl: slack.apiUrl })
}
function share(content: string | Buffer, more: Record<string, unknown> = {}, mimetype = 'text/plain'): Attachment {
  const file = slack.addFile({ name: 'note.txt', mimetype, content: Buffer.from(content), more })
  const [attachment] = attachmentsOf([SlackFile.parse(slack.fileRecord(file))], { teamId: 'T0PARLEY01' })
  return Attachment.parse(attachment)
}

describe('a shared file', () => {
  it('arrives whole, and so does a real HTML file', async () => {
    const content = Buffer.alloc(3_000_000, 'abc')
    expect(await buffer(await files().fetch(share(content), { signal }))).toEqual(content)
    const page = '<!doctype html><html><p>A canvas.</p></html>'
    expect(String(await buffer(await files().fetch(share(page, {}, 'text/html'), { signal })))).toBe(page)
  })

  it('is looked up when Slack Connect sends no URL', async () => {
    const attachment = share('shared', { file_access: 'check_file_info' })
    expect(attachment.locator).not.toHaveProperty('url')
    expect(String(await buffer(await files().fetch(attachment, { signal })))).toBe('shared')
  })

  it('on another service is never downloaded, and the error names the service', async () => {
    const attachment = share('x', {
      is_external: true,
      external_type: 'gdrive',
      url_private: elsewhere(),
      url_private_download: elsewhere(),
    })
    await expect(files().fetch(attachment, { signal })).rejects.toMatchObject({
      code: 'file_unsupported',
      userMessage: slackWording.files.external('note.txt', 'gdrive'),
    })
    expect(asked).toEqual([])
  })

  it('is never requested from a server outside Slack, which would see the token', async () => {
    const attachment = share('x', { url_private: elsewhere(), url_private_download: elsewhere() })
    await expect(files().fetch(attachment, { signal })).rejects.toMatchObject({ code: 'file_fetch_failed' })
    expect(asked).toEqual([])
  })

  it("that turns out to be Slack's login page names the missing scope", async () => {
    const file = slack.addFile({ name: 'scan.pdf', mimetype: 'application/pdf', content: Buffer.from('%PDF-1.7') })
    const [attachment] = attachmentsOf([SlackFile.parse(slack.fileRecord(file))], { teamId: 'T0PARLEY01' })
    slack.state.files.set(file.id, { ...file, guarded: true })
    await expect(files().fetch(Attachment.parse(attachment), { signal })).rejects.toMatchObject({
      code: 'file_fetch_failed',
      userMessage: slackWording.files.loginPage('scan.pdf'),
    })
  })
})
