/** Recorded frames of the gateway, as the listener would take them in: `{ t, d }`, a fixture's `{ type, data }`, or bare ones. */
import type { APIInteraction, GatewayDispatchPayload } from 'discord.js'
import { z } from 'zod'
import { ParleyError } from '../../src/core/errors.ts'
import type { Json } from '../../src/core/json.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Files } from '../../src/core/platform.ts'
import { createReplayIntake, type Replay } from '../../src/core/replay.ts'
import { discordFileWording } from '../../src/wording/discord.ts'
import type { ChannelCache } from './channel-cache.ts'
import { createCommandContext } from './command-context.ts'
import { createContextReader } from './context.ts'
import { createInteractions } from './interactions.ts'
import { createMessages } from './messages.ts'
import { type GatewayMessage, platformName } from './normalize.ts'
import { changesOf } from './place-changes.ts'
import type { Api } from './rest.ts'

const Message = z.looseObject({
  id: z.string(),
  channel_id: z.string(),
  content: z.string(),
  author: z.looseObject({ id: z.string(), username: z.string() }),
  timestamp: z.string(),
})
const Interaction = z.looseObject({
  id: z.string(),
  token: z.string(),
  application_id: z.string(),
  type: z.number(),
})
const Frame = z.union([
  z.object({ t: z.string(), d: z.looseObject({}) }).transform(({ t, d }) => ({ t, d })),
  z
    .looseObject({ type: z.string().startsWith('GATEWAY_'), data: z.looseObject({}) })
    .transform(({ type, data }) => ({ t: type.slice('GATEWAY_'.length), d: data })),
  Interaction.transform((d) => ({ t: 'INTERACTION_CREATE', d })),
  Message.transform((d) => ({ t: 'MESSAGE_CREATE', d })),
])

const Deleted = z.union([
  z.looseObject({ ids: z.array(z.string()) }).transform(({ ids }) => ids),
  z.looseObject({ id: z.string() }).transform(({ id }) => [id]),
])
/** What a recording says of the channel: its type, and the thread that vercel/chat's forwarder adds. */
const Recorded = z.looseObject({
  channel_id: z.string().optional(),
  channel_type: z.number().optional(),
  thread: z.looseObject({ id: z.string(), parent_id: z.string().optional() }).optional(),
})

/** A replay never calls Discord. */
const noApi: Pick<Api, 'call'> = { call: async <T>() => undefined as T }
const noFiles: Pick<Files, 'fetch'> = {
  fetch: async ({ name }) => {
    throw new ParleyError('file_missing', discordFileWording.gone(name))
  },
}

/** Channels that the recording says nothing of count as ordinary text channels. */
function recordedCache(event: unknown, threadIds: unknown[]): Pick<ChannelCache, 'channel' | 'guild'> {
  const { channel_id: channelId, channel_type: type, thread } = Recorded.parse(event)
  return {
    async channel(id) {
      if (id === thread?.id) return { id, type: 11, parentId: thread.parent_id }
      if (id === channelId && type !== undefined) return { id, type }
      return { id, type: threadIds.includes(id) ? 11 : 0 }
    },
    guild: async (id) => ({ id, ownerId: '0', roles: new Map(), ownRoleIds: [], roleNames: new Map() }),
  }
}

export const replay: Replay = {
  recognises: (value) => Frame.safeParse(value).success,

  async replay(record: Json, context) {
    const { t, d } = Frame.parse(record)
    const { intake, taken } = createReplayIntake()
    const id = String(context.botUserId ?? context.botId ?? context.applicationId ?? '0')
    const me = () => ({ id })
    const channelCache = recordedCache(d, [context.threadChannelId, context.threadId])
    const reader = createContextReader({ api: noApi, channelCache, me })
    if (t === 'MESSAGE_CREATE' || t === 'MESSAGE_UPDATE') {
      const usual = { mentions: [], mention_roles: [], attachments: [], embeds: [], components: [] }
      const message = Object.assign(usual, d as Partial<GatewayMessage>) as GatewayMessage
      const messages = createMessages({
        api: noApi,
        channelCache,
        context: reader,
        files: noFiles,
        intake,
        me: () => id,
      })
      if (t === 'MESSAGE_CREATE') await messages.take(message)
      else await messages.edit(message)
    }
    if (t === 'MESSAGE_DELETE' || t === 'MESSAGE_DELETE_BULK') {
      const ids = Deleted.parse(d)
      await intake.withdraw({ platform: platformName, ids })
    }
    if (t === 'INTERACTION_CREATE') {
      const questions = createCommandContext({ channelCache, context: reader, intake, me })
      const interactions = createInteractions({ api: noApi, questions, intake, me, log: silentLog })
      await interactions.take(d as APIInteraction)
    }
    if (/^(?:GUILD|CHANNEL|THREAD)_/.test(t)) {
      const packet = { op: 0, s: 0, t, d } as unknown as GatewayDispatchPayload
      const changes = await changesOf(packet, { me: id, find: channelCache.channel })
      for (const change of changes) await intake.placeChanged(change)
    }
    return taken[0] ?? { kind: 'ignored', summary: `${t} is not for Parley` }
  },
}
