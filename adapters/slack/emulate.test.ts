/**
 * Slack under the law of platforms against `emulate`, which others wrote: posts, edits, threads, the v2 upload flow and files
 * that are given to tokens alone. A person's messages and files are made there with that person's own token; emulate gives
 * no way to subscribe to its Slack's events, so the rig signs each stored message and sends it on.
 */
import { createEmulator, type Emulator } from 'emulate'
import { afterAll, beforeAll } from 'vitest'
import { z } from 'zod'
import { decodeAction, encodeAction } from '../../src/core/command.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Answered, PlatformRig } from '../../src/core/platform.contract.rig.ts'
import { platformContract } from '../../src/core/platform.contract.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { sign } from '../../test/servers/slack-wire.ts'
import { createSlack } from './platform.ts'

const bot = 'xoxb-emulated-parley'
const person = 'xoxp-emulated-alice'
const secret = 'emulated-signing-secret'
const Message = z.looseObject({
  ts: z.string(),
  user: z.string(),
  text: z.string(),
  thread_ts: z.string().optional(),
  blocks: z.array(z.looseObject({ type: z.string() })).default([]),
  metadata: z.looseObject({ event_type: z.string() }).optional(),
  files: z.array(z.looseObject({ id: z.string(), name: z.string(), url_private: z.string() })).default([]),
})
type Message = z.infer<typeof Message>

let emulator: Emulator
beforeAll(async () => {
  const users = [
    { name: 'alice', real_name: 'Alice' },
    { name: 'parley', real_name: 'Parley' },
  ]
  const tokens = [
    { token: bot, type: 'bot', user: 'parley', bot_id: 'B0EMULATED' },
    { token: person, type: 'user', user: 'alice' },
  ]
  emulator = await createEmulator({
    service: 'slack',
    port: 0,
    seed: { slack: { users, tokens, signing_secret: secret } },
  })
})
afterAll(() => emulator?.close())

platformContract('slack on emulate', openRig, {
  lacks: { press: 'emulate has no buttons that can be pressed', command: 'emulate has no slash commands' },
})

async function openRig(): Promise<PlatformRig> {
  const call = async (method: string, args: object, token = bot) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(`${emulator.url}/api/${method}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(args),
    })
    return z.looseObject({ ok: z.boolean() }).parse(await response.json())
  }
  const userOf = async (token: string) =>
    z.object({ user_id: z.string() }).parse(await call('auth.test', {}, token)).user_id
  const [parley, alice] = [await userOf(bot), await userOf(person)]
  const [place] = z
    .object({ channels: z.array(z.object({ id: z.string() })) })
    .parse(await call('conversations.list', {})).channels
  const channel = place?.id ?? ''
  const settings = { botToken: bot, signingSecret: secret, apiUrl: `${emulator.url}/api/` }
  const platform = createSlack({ settings, records: memoryRecords(), quota: createLocalQuota(), log: silentLog })
  const stored = new Map<string, Message>()
  let http: Awaited<ReturnType<typeof serveMounts>> | undefined
  let stop: (() => Promise<void>) | undefined

  async function deliver(event: object): Promise<boolean> {
    const body = JSON.stringify({ type: 'event_callback', team_id: 'T000000001', event })
    const timestamp = String(Math.floor(Date.now() / 1000))
    const signature = sign(secret, timestamp, body)
    const headers = {
      'content-type': 'application/json',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': signature,
    }
    return (await fetch(`${http?.url}/slack/events`, { method: 'POST', headers, body })).status === 200
  }
  const thread = async (root: string | undefined): Promise<Message[]> =>
    z
      .object({ messages: z.array(Message) })
      .parse(await call('conversations.replies', { channel, ts: root, include_all_metadata: true })).messages
  const replies = async (root: string | undefined) => (await thread(root)).filter(({ user }) => user === parley)

  /** A person writes, with the person's own token; what emulate made of it is what Parley is sent. */
  async function post(
    text: string,
    file: { name: string; content: Buffer } | undefined,
    root?: string,
  ): Promise<Message> {
    const slackMessage = `${root === undefined ? `<@${parley}> ` : ''}${text.replaceAll('**', '*')}`
    if (file === undefined) {
      const { ts } = z
        .object({ ts: z.string() })
        .parse(await call('chat.postMessage', { channel, text: slackMessage, thread_ts: root }, person))
      return Message.parse((await thread(root ?? ts)).find((each) => each.ts === ts))
    }
    const ticket = z.object({ upload_url: z.string(), file_id: z.string() })
    const { upload_url, file_id } = ticket.parse(
      await call('files.getUploadURLExternal', { filename: file.name, length: file.content.length }, person),
    )
    await fetch(upload_url, { method: 'POST', body: new Uint8Array(file.content) })
    await call(
      'files.completeUploadExternal',
      { files: [{ id: file_id }], channel_id: channel, initial_comment: slackMessage },
      person,
    )
    const { messages } = z
      .object({ messages: z.array(Message) })
      .parse(await call('conversations.history', { channel }))
    return Message.parse(messages.find(({ files }) => files.some(({ id }) => id === file_id)))
  }
  const event = (message: Message, more: object = {}) => ({
    type: 'message',
    channel,
    channel_type: 'channel',
    event_ts: message.ts,
    ...message,
    ...more,
  })
  let refused: string | undefined

  return {
    platform,
    async open(intake) {
      const listener = platform.listen({
        ...intake,
        async receive(message) {
          const received = await intake.receive(message)
          refused = received.kind === 'refused' ? received.notice.text : undefined
          return received
        },
      })
      http = await serveMounts(listener.mounts)
      await listener.start()
      stop = () => listener.stop()
    },
    async write({ eventId, text, file }): Promise<Answered> {
      const message = stored.get(eventId) ?? (await post(text, file))
      stored.set(eventId, message)
      const acknowledged = await deliver(event(message))
      // An ephemeral message cannot be read back here; the stand-in shows that it is sent.
      return { acknowledged, told: refused }
    },
    async seen({ conversation }) {
      const found = (await replies(conversation.threadId)).filter(
        (each) => each.metadata?.event_type !== 'parley_notice' && each.files.length === 0,
      )
      return found.map(({ text, blocks }) => ({
        text: blocks.flatMap((block) => (block.type === 'markdown' ? [String(block.text)] : [])).join('') || text,
        finished: JSON.stringify(blocks).includes('"regenerate:'),
      }))
    },
    async attached({ conversation }) {
      const files = (await replies(conversation.threadId)).flatMap((message) => message.files)
      const contents = files.map(async ({ name, url_private }) => {
        const response = await fetch(url_private, { headers: { authorization: `Bearer ${bot}` } })
        return response.ok ? [{ name, content: Buffer.from(await response.arrayBuffer()) }] : []
      })
      return (await Promise.all(contents)).flat()
    },
    async notices({ conversation }) {
      return (await replies(conversation.threadId))
        .filter((each) => each.metadata?.event_type === 'parley_notice')
        .map(({ blocks }) => JSON.stringify(blocks))
    },
    async buttons({ conversation }) {
      const last = JSON.stringify((await replies(conversation.threadId)).at(-1)?.blocks ?? [])
      return [...last.matchAll(/"value":"([^"]+)"/g)]
        .flatMap(([, value]) => decodeAction(value ?? '') ?? [])
        .filter((action) => encodeAction(action) !== '')
    },
    async revise({ eventId, text }) {
      const before = stored.get(eventId)
      if (before === undefined) throw new Error('nothing was written')
      await call('chat.update', { channel, ts: before.ts, text: `<@${parley}> ${text}` }, person)
      const [message] = await thread(before.ts)
      const changed = { subtype: 'message_changed', hidden: true, message, previous_message: before }
      await deliver({ type: 'message', channel, channel_type: 'channel', ts: before.ts, ...changed })
    },
    async follow({ text, target }) {
      return {
        acknowledged: await deliver(event(await post(text, undefined, target.conversation.threadId), { user: alice })),
      }
    },
    async close() {
      await stop?.()
      await http?.close()
    },
  }
}
