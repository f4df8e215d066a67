/** Recorded frames of the gateway, as the listener would take them in: `{ t, d }`, a fixture's `{ type, data }`, or bare ones. */
import type { APIInteraction } from 'discord.js'
import { z } from 'zod'
import type { Json } from '../../src/core/json.ts'
import { silentLog } from '../../src/core/log.ts'
import { createReplayIntake, type Replay } from '../../src/core/replay.ts'
import { createInteractions } from './interactions.ts'
import { createMessages } from './messages.ts'
import type { GatewayMessage } from './normalize.ts'
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

/** A replay never calls Discord. Every channel counts as an ordinary text channel. */
const noApi: Pick<Api, 'call'> = { call: async <T>() => undefined as T }

export const replay: Replay = {
  recognises: (value) => Frame.safeParse(value).success,

  async replay(record: Json, context) {
    const { t, d } = Frame.parse(record)
    const { intake, taken } = createReplayIntake()
    const me = String(context.botUserId ?? context.applicationId ?? '0')
    const channelCache = {
      channel: async (id: string) => ({ id, type: context.threadChannelId === id ? 11 : 0 }),
      guild: async (id: string) => ({ id, ownerId: '0', roles: new Map<string, bigint>(), ownRoleIds: [] }),
    }
    if (t === 'MESSAGE_CREATE' || t === 'MESSAGE_UPDATE') {
      const usual = { mentions: [], mention_roles: [], attachments: [], embeds: [], components: [] }
      const message = Object.assign(usual, d as Partial<GatewayMessage>) as GatewayMessage
      const messages = createMessages({ api: noApi, channelCache, intake, me: () => me })
      if (t === 'MESSAGE_CREATE') await messages.take(message)
      else await messages.revise(message)
    }
    if (t === 'INTERACTION_CREATE') {
      const interactions = createInteractions({ api: noApi, intake, me: () => ({ id: me }), log: silentLog })
      await interactions.take(d as APIInteraction)
    }
    return taken[0] ?? { kind: 'ignored', summary: `${t} is not for Parley` }
  },
}
