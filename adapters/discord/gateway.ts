/**
 * The connections that events come in by: one for each shard, kept open by a supervisor of its own. Only the gateway process
 * opens them, and a restarted one goes on with the sessions of the one before.
 */
import { type IIdentifyThrottler, SimpleIdentifyThrottler } from '@discordjs/ws'
import type { APIApplication, APIGatewayBotInfo, GatewayDispatchPayload } from 'discord.js'
import {
  type Connection,
  type ConnectionPauses,
  type ConnectionReport,
  keepConnected,
} from '../../src/core/connection.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { discordErrors } from '../../src/wording/discord.ts'
import { platformName } from './normalize.ts'
import { intentsFor, mayReadContent } from './permissions.ts'
import type { Api } from './rest.ts'
import { countedAnew, maySpend } from './session-limit.ts'
import type { Sessions } from './sessions.ts'
import { openShard } from './shard.ts'

export interface Gateway {
  /** Returns when the first try of the first shard has ended, well or not. Never rejects. */
  start(): Promise<void>
  /** Leaves the sessions resumable; returns when events under way have been taken in. */
  close(): Promise<void>
  connections(): ConnectionReport[]
  /** Work that takes its turn among the events of a line. */
  inLine(line: string, work: () => Promise<void>): Promise<void>
}

export interface GatewayDeps {
  api: Api
  token: string
  /** Default: as many as Discord recommends. */
  shards?: number
  sessions: Sessions
  /** Called before a shard connects: whatever has to be known before events come in. Throws `platform_*`. */
  before(): Promise<unknown>
  /**
   * Answers whether the event is taken in; where it is not, it is sent again to the next process. `since`: messages that were
   * written from then on (milliseconds) may have been missed. Never rejects.
   */
  take(packet: GatewayDispatchPayload, since?: number): Promise<boolean>
  /** Events of the same line come one after the other, others at once. */
  lineOf(packet: GatewayDispatchPayload): string | undefined
  log: Log
  /** How many events may wait to be taken in, as while the database is away. */
  mostWaiting?: number
  /** Default: Discord's own pace, a session each five seconds. */
  throttler?: IIdentifyThrottler | undefined
  pauses?: Partial<ConnectionPauses> | undefined
}

interface Answer {
  information: APIGatewayBotInfo
  intents: number
}

/** How long what Discord said of the gateway is good for shards that connect at the same time. */
const freshMs = 5000

export function createGateway(deps: GatewayDeps): Gateway {
  const { api, token, shards, sessions, before, take, lineOf, log, mostWaiting = 10_000, pauses } = deps
  /** The last event of each line, and all that are being taken in. */
  const lines = new Map<string, Promise<void>>()
  const running = new Set<Promise<void>>()
  let waiting = 0
  let overflowing = false
  const connections: Connection[] = []
  let count: number | undefined = shards
  let input: { answer: Promise<Answer>; at: number } | undefined
  let throttler = deps.throttler
  let loaded = false

  function onDispatch(shardId: number, data: GatewayDispatchPayload): void {
    const line = lineOf(data)
    const since = sessions.missedSince(shardId, data)
    const taken = sessions.taking(shardId, data.s, since)
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
      if (await take(data, since)) taken()
      waiting -= 1
    }
    const mine = line === undefined ? taking() : inLine(line, taking)
    running.add(mine)
    void mine.then(() => running.delete(mine))
  }

  function inLine(line: string, work: () => Promise<void>): Promise<void> {
    const mine = (lines.get(line) ?? Promise.resolve()).then(work)
    lines.set(line, mine)
    void mine.then(() => {
      if (lines.get(line) === mine) lines.delete(line)
    })
    return mine
  }

  /** What is refused here, over REST, costs none of the sessions that may be begun in a day. */
  async function ask(): Promise<Answer> {
    const options = { urgent: true }
    const information = await api.call<APIGatewayBotInfo>('GET', '/gateway/bot', options)
    const application = await api.call<APIApplication>('GET', '/applications/@me', options)
    if (!mayReadContent(application)) throw new ParleyError('platform_rejected', discordErrors.noMessageContent)
    return { information, intents: intentsFor(application) }
  }

  async function look(): Promise<Answer> {
    if (input === undefined || performance.now() - input.at > freshMs) input = { answer: ask(), at: performance.now() }
    const mine = input
    try {
      return await mine.answer
    } catch (error) {
      if (input === mine) input = undefined
      throw error
    }
  }

  function mayBegin({ session_start_limit: limit }: APIGatewayBotInfo): void {
    if (maySpend(limit) > 0) return
    const userMessage = discordErrors.tooManyConnections(limit.remaining, countedAnew(limit))
    throw new ParleyError('platform_rate_limited', userMessage, { retryAfterMs: limit.reset_after })
  }

  /** Asked again with the next try; a number that an admin has set stays. */
  function onMiscounted(): void {
    count = shards
  }

  async function open(id: number, signal: AbortSignal) {
    const { information, intents } = await look()
    await before()
    if (!loaded) await sessions.load()
    loaded = true
    if (sessions.current(id) === null) mayBegin(information)
    count ??= information.shards
    throttler ??= new SimpleIdentifyThrottler(information.session_start_limit.max_concurrency)
    for (let next = connections.length; next < count; next += 1) void shard(next).start()
    signal.throwIfAborted()
    return await openShard(
      {
        id,
        count,
        token,
        information,
        intents,
        sessions,
        throttler,
        log,
        onDispatch: (packet) => onDispatch(id, packet),
        onMiscounted,
      },
      signal,
    )
  }

  function shard(id: number): Connection {
    const name = id === 0 ? 'gateway' : `gateway, shard ${id}`
    const connection = keepConnected({ platform: platformName, name, open: (signal) => open(id, signal), log, pauses })
    connections[id] = connection
    return connection
  }

  return {
    start: () => shard(0).start(),
    async close() {
      sessions.freeze()
      await Promise.all(connections.map((each) => each.stop()))
      await Promise.all(running)
      await sessions.close()
    },
    connections: () => connections.map((each) => each.report()),
    inLine,
  }
}
