/**
 * The connection that events come in by, on discord.js's own gateway client: identify, heartbeat, resume and reconnect are
 * its work. Only the gateway process opens it, and a restarted one goes on with the session of the one before.
 */
import { type ManagerShardEventsMap, WebSocketManager, WebSocketShardEvents } from '@discordjs/ws'
import { type GatewayDispatchPayload, GatewayIntentBits } from 'discord.js'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { type Api, DiscordRefusal } from './rest.ts'
import type { Sessions } from './sessions.ts'

/** What events Parley needs. The content of messages is a privileged one: it is switched on in the developer portal. */
export const intents =
  GatewayIntentBits.Guilds |
  GatewayIntentBits.GuildMessages |
  GatewayIntentBits.DirectMessages |
  GatewayIntentBits.MessageContent

export interface Gateway {
  /** Returns when every shard is connected; may be tried again. Throws `config_invalid` or `platform_*`. */
  open(): Promise<void>
  /** Leaves the sessions resumable; returns when events under way have been taken in. */
  close(): Promise<void>
}

export interface GatewayDeps {
  api: Api
  token: string
  /** Default: as many as Discord recommends. */
  shards?: number
  sessions: Sessions
  /** Answers whether the event is taken in; where it is not, it is sent again to the next process. Never rejects. */
  take(packet: GatewayDispatchPayload): Promise<boolean>
  /** Events of the same line come one after the other, others at once. */
  lineOf(packet: GatewayDispatchPayload): string | undefined
  log: Log
  /** How many events may wait to be taken in, as while the database is away. */
  mostWaiting?: number
}

/** Keeps the session: 1000 and 1001 would end it. */
const closeResumable = 4200

export function createGateway({
  api,
  token,
  shards,
  sessions,
  take,
  lineOf,
  log,
  mostWaiting = 10_000,
}: GatewayDeps): Gateway {
  /** The last event of each line, and all that are being taken in. */
  const lines = new Map<string, Promise<void>>()
  const running = new Set<Promise<void>>()
  let waiting = 0
  let overflowing = false
  const manager = new WebSocketManager({
    token,
    rest: api.rest,
    intents: intents as GatewayIntentBits,
    shardCount: shards ?? null,
    retrieveSessionInfo: (shardId) => sessions.current(shardId),
    updateSessionInfo: (shardId, session) => sessions.update(shardId, session),
  })

  function onDispatch({ data, shardId }: ManagerShardEventsMap['dispatch'][0]): void {
    const line = lineOf(data)
    const taken = sessions.taking(shardId, data.s)
    if (waiting >= mostWaiting) {
      // Not taken in: the position stays before it, so that the next process has it sent again.
      if (!overflowing)
        log.error({ waiting }, 'too many Discord events wait to be taken in; the next ones wait at Discord')
      overflowing = true
      return
    }
    overflowing = false
    waiting += 1
    const taking = async () => {
      if (await take(data)) taken()
      waiting -= 1
    }
    const mine = line === undefined ? taking() : (lines.get(line) ?? Promise.resolve()).then(taking)
    running.add(mine)
    if (line !== undefined) lines.set(line, mine)
    void mine.then(() => {
      running.delete(mine)
      if (line !== undefined && lines.get(line) === mine) lines.delete(line)
    })
  }

  manager.on(WebSocketShardEvents.Dispatch, onDispatch)
  manager.on(WebSocketShardEvents.Error, ({ error, shardId }) =>
    log.error({ ...errorFields(error), shardId }, 'Discord connection failed'),
  )
  manager.on(WebSocketShardEvents.Closed, ({ code, shardId }) =>
    log.info({ code, shardId }, 'Discord connection closed'),
  )
  manager.on(WebSocketShardEvents.Resumed, ({ shardId }) => log.info({ shardId }, 'Discord session resumed'))
  manager.on(WebSocketShardEvents.Ready, ({ shardId }) => log.info({ shardId }, 'Discord session begun'))

  return {
    async open() {
      await sessions.load()
      try {
        await manager.connect()
      } catch (thrown) {
        throw asOpeningError(thrown)
      }
    },
    async close() {
      sessions.freeze()
      await manager.destroy({ code: closeResumable, reason: 'Parley restarts' })
      await Promise.all(running)
      await sessions.close()
    },
  }
}

function asOpeningError(thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError && !(thrown instanceof DiscordRefusal)) return thrown
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  if (/disallowed intents/i.test(text))
    return new ParleyError(
      'config_invalid',
      'Discord refuses the connection: switch on "Message Content Intent" on the Bot page of the developer portal, then start Parley again.',
      { cause: thrown },
    )
  if (/authentication failed|401|token/i.test(text))
    return new ParleyError(
      'config_invalid',
      'Discord refuses the bot token. Set DISCORD_TOKEN to the one on the Bot page of the developer portal.',
      { cause: thrown },
    )
  return new ParleyError('platform_unreachable', 'Discord cannot be reached. Parley wants discord.com on port 443.', {
    cause: thrown,
  })
}
