/** Discord under the law of platforms: discord.js as it is, against a stand-in of Discord's servers. */
import { afterAll, expect } from 'vitest'
import { type ButtonAction, decodeAction, encodeAction } from '../../src/core/command.ts'
import { silentLog } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { Answered } from '../../src/core/platform.contract.rig.ts'
import { platformContract } from '../../src/core/platform.contract.ts'
import type { Intake } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { type StandInDiscord, startDiscord } from '../../test/servers/discord.ts'
import type { Using } from '../../test/servers/discord-people.ts'
import type { WorldMessage } from '../../test/servers/discord-world.ts'
import { createDiscord } from './platform.ts'

const violations: string[] = []
afterAll(() => expect(violations).toEqual([]))

platformContract('discord', async () => {
  const discord = await startDiscord()
  const records = memoryRecords()
  const ann = discord.world.addUser('Ann')
  const guild = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  const channel = discord.world.addChannel(guild, 'general')
  const platform = createDiscord({
    token: discord.token,
    apiUrl: discord.url,
    records,
    quota: createLocalQuota(),
    log: silentLog,
    retryMs: 20,
    saveEveryMs: 5,
  })
  /** Discord's ids are numbers; the same event has the same one. */
  const sent = new Map<string, { message: WorldMessage; sequence: number }>()
  let failures = 0
  let listener: ReturnType<typeof platform.listen> | undefined

  /** The position that a new process would go on from. */
  function acknowledged(sequence: number): boolean {
    const stored = records.peek('session/0')
    return typeof stored === 'object' && stored !== null && 'sequence' in stored && Number(stored.sequence) >= sequence
  }

  async function handled(sequence: number, failed: number, again: boolean): Promise<Answered> {
    while (!acknowledged(sequence)) {
      if (failures > failed && !again) return { acknowledged: false }
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const chat = discord.said(discord.world.directChat(ann.id).id).at(-1)
    return { acknowledged: true, told: chat === undefined ? undefined : chat.content }
  }

  const threadOf = ({ conversation }: ReplyTarget) => conversation.threadId ?? ''
  const said = (target: ReplyTarget) => discord.said(threadOf(target))
  const isReply = ({ components }: WorldMessage) => actionsOf(components).some((action) => 'turnId' in action)

  return {
    platform,
    async open(intake) {
      const watched: Intake = {
        ...intake,
        receive: (message) =>
          intake.receive(message).catch((error: unknown) => {
            failures += 1
            throw error
          }),
      }
      listener = platform.listen(watched)
      await listener.start()
    },
    async write({ eventId, text, file }) {
      const before = sent.get(eventId)
      const failed = failures
      // What was not taken in is held by Parley and tried again: Discord's own way is to send it to whoever resumes.
      const held = before !== undefined && !acknowledged(before.sequence)
      if (!held) {
        const files = file ? [{ name: file.name, data: file.content }] : []
        const id = before === undefined ? {} : { id: before.message.id }
        const message = discord.write({ author: ann, channel, text, mention: true, files, ...id })
        sent.set(eventId, { message, sequence: discord.gateway.sequence() })
      }
      return await handled(sent.get(eventId)?.sequence ?? 0, failed, held)
    },
    async seen(target) {
      return said(target)
        .filter(isReply)
        .map(({ content, components }) => ({
          text: content.split('\n-# ')[0] ?? '',
          finished: !actionsOf(components).some(({ kind }) => kind === 'stop'),
        }))
    },
    async attached(target) {
      const files = said(target).flatMap(({ attachments }) => attachments)
      return files.map(({ filename, url }) => ({ name: filename, content: contentOf(discord, url) }))
    },
    async notices(target) {
      return said(target)
        .filter((message) => !isReply(message))
        .map(({ content }) => content)
    },
    async buttons(target) {
      const message = said(target).filter(isReply).at(-1)
      const custom_id = /"(more:[^"]+)"/.exec(JSON.stringify(message?.components))?.[1]
      const menu = discord.use({ user: ann, channel, type: 3, data: { component_type: 2, custom_id }, message })
      await discord.until(() => menu.acknowledged, 'the menu')
      return [...actionsOf(message?.components), ...actionsOf(menu.original?.components)]
    },
    async press({ button, target }) {
      const message = said(target).filter(isReply).at(-1)
      const data = { component_type: 2, custom_id: encodeAction(button) }
      const where = discord.world.channels.get(threadOf(target)) ?? channel
      return await used(discord, {
        user: ann,
        channel: where,
        type: 3,
        data,
        message,
      })
    },
    async command({ text }) {
      const [first = '', second] = text.split(' ')
      const option =
        second === undefined ? { type: 1, name: first } : { type: 2, name: first, options: [{ type: 1, name: second }] }
      return await used(discord, { user: ann, channel, type: 2, data: { type: 1, name: 'parley', options: [option] } })
    },
    async revise({ eventId, text }) {
      const known = sent.get(eventId)
      if (known === undefined) throw new Error('that was never written')
      discord.edit(known.message, `<@${discord.world.bot.id}> ${text}`)
      await handled(discord.gateway.sequence(), failures, false)
    },
    async erase({ eventId }) {
      const known = sent.get(eventId)
      if (known === undefined) throw new Error('that was never written')
      discord.delete(known.message)
      await handled(discord.gateway.sequence(), failures, false)
    },
    async follow({ eventId, text, target }) {
      // Opened with the first sign that the question is taken in.
      const thread = await discord.until(() => discord.world.channels.get(threadOf(target)), 'the thread')
      const message = discord.write({ author: ann, channel: thread, text })
      sent.set(eventId, { message, sequence: discord.gateway.sequence() })
      return await handled(discord.gateway.sequence(), failures, false)
    },
    async close() {
      await listener?.stop()
      violations.push(...discord.violations)
      await discord[Symbol.asyncDispose]()
    },
  }
})

async function used(discord: StandInDiscord, using: Using): Promise<Answered> {
  const use = discord.use(using)
  const { data } = await discord.until(() => use.acknowledged, 'an acknowledgement')
  return { acknowledged: true, told: typeof data?.content === 'string' ? data.content : undefined }
}

function actionsOf(components: unknown): ButtonAction[] {
  const ids = [...JSON.stringify(components ?? []).matchAll(/"(?:custom_id|value)":"([^"#]+)/g)].map(
    ([, id = '']) => id,
  )
  return ids.flatMap((id) => decodeAction(id) ?? [])
}

function contentOf(discord: StandInDiscord, url: string): Buffer {
  return discord.world.files.get(new URL(url).pathname.replace(/^\/api/, ''))?.data ?? Buffer.alloc(0)
}
