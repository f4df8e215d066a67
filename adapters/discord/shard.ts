/**
 * One shard's connection on discord.js's own client: identify, heartbeat and resume are its work, and it reconnects once by
 * itself. What goes further than that ends the connection, and gateway.ts opens the next one after a pause. The client alone
 * would try twice a second for ever, or never again.
 */
import {
  DefaultWebSocketManagerOptions,
  type FetchingStrategyOptions,
  type IIdentifyThrottler,
  WebSocketShard,
  WebSocketShardEvents,
  WebSocketShardStatus,
} from '@discordjs/ws'
import { type APIGatewayBotInfo, GatewayCloseCodes, type GatewayDispatchPayload } from 'discord.js'
import type { OpenConnection } from '../../src/core/connection.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { discordErrors } from '../../src/wording/discord.ts'
import type { Sessions } from './sessions.ts'

export interface ShardDeps {
  id: number
  count: number
  token: string
  information: APIGatewayBotInfo
  intents: number
  sessions: Sessions
  throttler: IIdentifyThrottler
  onDispatch(packet: GatewayDispatchPayload): void
  /** Discord wants another number of shards. */
  onMiscounted(): void
  log: Log
}

/** Keeps the session: 1000 and 1001 would end it. */
const closeResumable = 4200
/** The connection broke without a reason. */
const closedAbnormally = 1006
/** How often a shard may close without being ready between: the client's own try, and no more. */
const mostClosings = 2
const patienceMs = { handshakeTimeout: 10_000, helloTimeout: 10_000, readyTimeout: 15_000 }
/** From a closing to being ready again. */
const backMs = 20_000

/** Resolves when the shard is ready. Throws `platform_*`; then it leaves nothing behind that would connect. */
export async function openShard(deps: ShardDeps, signal: AbortSignal): Promise<OpenConnection> {
  const { id, count, token, information, intents, sessions, throttler, onDispatch, onMiscounted, log } = deps
  const ready = Promise.withResolvers<void>()
  const lost = Promise.withResolvers<unknown>()
  let greeted = false
  /** Events come, and all that were written before have come. */
  let inSession = false
  /** The socket broke or was never there, which says nothing of the session: it can be resumed. */
  let broken = true
  let closings = 0
  let timer: NodeJS.Timeout | undefined
  let retired = false
  /** After retirement the client waits forever, so that it never reconnects on its own. */
  const never = new Promise<never>(() => undefined)

  const shard = new WebSocketShard(
    {
      options: { ...optionsOf(token, information, intents, count), ...patienceMs },
      retrieveSessionInfo(shardId) {
        if (retired) return never
        const session = sessions.current(shardId)
        // The server that held the session may be gone for good; any other takes it over.
        return session !== null && broken && closings > 0 ? { ...session, resumeURL: information.url } : session
      },
      updateSessionInfo(shardId, session) {
        if (retired || (session === null && broken)) return
        sessions.update(shardId, session)
      },
      waitForIdentify: (shardId, waiting) => (retired ? never : throttler.waitForIdentify(shardId, waiting)),
    },
    id,
  )

  function end(reason: ParleyError): void {
    if (retired) return
    ready.reject(reason)
    lost.resolve(reason)
    void close()
  }

  function back(event: string): void {
    closings = 0
    inSession = true
    clearTimeout(timer)
    log.info({ shardId: id }, event)
    ready.resolve()
  }

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= retire()
    return closing
  }
  async function retire(): Promise<void> {
    retired = true
    clearTimeout(timer)
    // A socket dropped while connecting has no error listener.
    if (shard.status === WebSocketShardStatus.Connecting && !greeted) {
      shard.once(WebSocketShardEvents.Hello, () => void leave())
      return
    }
    await leave()
  }
  const leave = () => shard.destroy({ code: closeResumable, reason: 'Parley restarts' })

  shard.on(WebSocketShardEvents.Hello, () => {
    greeted = true
    broken = false
  })
  shard.on(WebSocketShardEvents.Ready, () => back('Discord session begun'))
  shard.on(WebSocketShardEvents.Resumed, () => back('Discord session resumed'))
  shard.on(WebSocketShardEvents.Dispatch, ({ data }) => {
    if (!retired) onDispatch(data)
  })
  shard.on(WebSocketShardEvents.HeartbeatComplete, () => {
    if (!retired && inSession) sessions.alive(id)
  })
  shard.on(WebSocketShardEvents.Error, (error) => log.debug({ ...errorFields(error), shardId: id }, 'Discord socket'))
  shard.on(WebSocketShardEvents.Closed, ({ code }) => {
    log.debug({ code, shardId: id }, 'Discord socket closed')
    broken = !greeted || code === closedAbnormally
    greeted = false
    inSession = false
    closings += 1
    if (code === GatewayCloseCodes.InvalidShard || code === GatewayCloseCodes.ShardingRequired) onMiscounted()
    const refused = refusals[code]
    if (refused !== undefined) return end(new ParleyError('platform_rejected', refused, { cause: closedWith(code) }))
    if (closings >= mostClosings) return end(unreachable(code))
    clearTimeout(timer)
    timer = setTimeout(() => end(unreachable(code)), backMs)
  })

  const abort = () => {
    ready.reject(signal.reason)
    void close()
  }
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  // What it rejects with comes as an event, too.
  shard.connect().catch(() => undefined)
  await ready.promise
  return { lost: lost.promise, close }
}

/** Close codes after which Parley must not reconnect until something is changed. */
const refusals: Partial<Record<number, string>> = {
  [GatewayCloseCodes.AuthenticationFailed]: discordErrors.badToken,
  [GatewayCloseCodes.InvalidShard]: discordErrors.shardsRefused,
  [GatewayCloseCodes.ShardingRequired]: discordErrors.shardsNeeded,
  [GatewayCloseCodes.InvalidAPIVersion]: discordErrors.versionRefused,
  [GatewayCloseCodes.InvalidIntents]: discordErrors.eventsRefused,
  [GatewayCloseCodes.DisallowedIntents]: discordErrors.intentsRefused,
}

const closedWith = (code: number) => new Error(`closed with ${code}`)

function unreachable(code: number): ParleyError {
  return new ParleyError('platform_unreachable', discordErrors.connectionLost, { cause: closedWith(code) })
}

function optionsOf(
  token: string,
  gatewayInformation: APIGatewayBotInfo,
  intents: number,
  shardCount: number,
): FetchingStrategyOptions {
  const { compression, encoding, identifyProperties, initialPresence, largeThreshold, version } =
    DefaultWebSocketManagerOptions
  return {
    compression,
    encoding,
    identifyProperties,
    initialPresence,
    largeThreshold,
    version,
    ...patienceMs,
    token,
    intents,
    gatewayInformation,
    shardCount,
  }
}
