/**
 * Discord's REST API through discord.js: paced over all processes, errors translated once. What is waited for is waited for
 * here; nothing of a request, least of all the token in an interaction's path, reaches an error or a log.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { DiscordAPIError, HTTPError, RateLimitError, REST, type RequestMethod } from 'discord.js'
import { ParleyError } from '../../src/core/errors.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { Quota } from '../../src/core/platform-state.ts'
import { discordErrors } from '../../src/wording/discord.ts'
import { createPacer, type Pacer } from './pacer.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface SentFile {
  name: string
  contentType: string
  data: Uint8Array
}

export interface CallOptions {
  body?: object
  /** Goes as multipart, beside the body. */
  files?: SentFile[]
  query?: Record<string, string>
  /** False for what an interaction's token allows. */
  auth?: boolean
  signal?: AbortSignal
  /** A response that Discord expects within three seconds skips the queue. */
  urgent?: boolean
}

export interface Api {
  /** The parsed answer, `undefined` where there is none. Throws `DiscordRefusal`, or a ParleyError `platform_*`. */
  call<T>(method: Method, path: string, options?: CallOptions): Promise<T>
  /** For discord.js's own gateway. */
  rest: REST
}

/** Discord said no, with its own code: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json */
export class DiscordRefusal extends ParleyError {
  readonly discordCode: number
  readonly status: number

  constructor(status: number, code: number, cause: Error) {
    super('platform_rejected', userMessageOf(status, code), { cause })
    this.name = 'DiscordRefusal'
    this.discordCode = code
    this.status = status
  }
}

export const codes = {
  unknownChannel: 10003,
  unknownGuild: 10004,
  unknownMessage: 10008,
  unknownWebhook: 10015,
  unknownInteraction: 10062,
  explicitContent: 20009,
  alreadyAcknowledged: 40060,
  missingAccess: 50001,
  cannotMessageUser: 50007,
  cannotWriteInChannel: 50008,
  verificationTooHigh: 50009,
  missingPermissions: 50013,
  wrongChannelType: 50024,
  invalidWebhookToken: 50027,
  archivedThread: 50083,
  noMutualServer: 50278,
  replyNeedsHistory: 160002,
  threadExists: 160004,
  lockedThread: 160005,
  referenceNeedsHistory: 160009,
  ageRestrictedReference: 160010,
  blockedByAutoMod: 200000,
  harmfulLink: 240000,
} as const

export function refusedWith(thrown: unknown, ...known: number[]): thrown is DiscordRefusal {
  return thrown instanceof DiscordRefusal && known.includes(thrown.discordCode)
}

export interface ApiDeps {
  token: string
  /** Ends in `/api`; Discord's own where it is not set. */
  apiUrl?: string
  quota: Quota
}

/** How often a rate-limited call is retried. */
const patience = 5
const timeoutMs = 15_000

export function createApi({ token, apiUrl, quota }: ApiDeps): Api {
  const rest = new REST({
    version: '10',
    retries: 0,
    timeout: timeoutMs,
    // This process sees only its own calls. The limits shared by all processes decide (pacer.ts).
    rejectOnRateLimit: () => true,
    ...omitUndefined({ api: apiUrl?.replace(/\/$/, '') }),
  }).setToken(token)
  const pacer = createPacer(quota)
  rest.on('response', ({ method, path }, response) => pacer.learn(method, path, response.headers))

  async function attempt<T>(method: Method, path: string, options: CallOptions): Promise<T> {
    const { body, files, query, auth = true, signal } = options
    // After a 401 discord.js forgets the token for good; it may be restored.
    if (auth) rest.setToken(token)
    const request = rest.queueRequest({
      fullRoute: path as `/${string}`,
      method: method as RequestMethod,
      auth,
      ...omitUndefined({
        body,
        query: query && new URLSearchParams(query),
        signal,
        files: files?.length
          ? files.map(({ name, contentType, data }) => ({ name, contentType, data: Buffer.from(data) }))
          : undefined,
      }),
    })
    const response = await request.catch((thrown: unknown) => {
      throw translate(thrown)
    })
    if (response.status === 204) return undefined as T
    return (await response.json()) as T
  }

  return {
    rest,
    async call<T>(method: Method, path: string, options: CallOptions = {}) {
      const send = () => attempt<T>(method, path, options)
      for (let tries = 1; ; tries += 1) {
        try {
          return await (options.urgent ? send() : pacer.run(method, path, send, options.signal))
        } catch (thrown) {
          options.signal?.throwIfAborted()
          if (!(thrown instanceof RateLimitError)) throw thrown
          await holdAfterLimit(pacer, method, path, thrown)
          if (tries >= patience) throw slowDown(thrown.retryAfter)
          if (options.urgent) await sleep(thrown.retryAfter, undefined, { signal: options.signal })
        }
      }
    },
  }
}

async function holdAfterLimit(
  pacer: Pacer,
  method: Method,
  path: string,
  { global, retryAfter }: RateLimitError,
): Promise<void> {
  await pacer.hold(method, path, Math.max(retryAfter, 50), global)
}

function slowDown(retryAfterMs: number): ParleyError {
  return new ParleyError('platform_rate_limited', discordErrors.rateLimited, {
    retryAfterMs,
  })
}

function translate(thrown: unknown): unknown {
  if (thrown instanceof RateLimitError) return thrown
  if (thrown instanceof DiscordAPIError) {
    const code = typeof thrown.code === 'number' ? thrown.code : 0
    return new DiscordRefusal(thrown.status, code, new Error(`${thrown.status} ${code}: ${thrown.message}`))
  }
  if (thrown instanceof HTTPError && thrown.status < 500)
    return new DiscordRefusal(thrown.status, 0, new Error(`${thrown.status}: ${thrown.message}`))
  const what = thrown instanceof Error ? thrown : new Error(String(thrown))
  return new ParleyError('platform_unreachable', discordErrors.unreachable, {
    cause: new Error(thrown instanceof HTTPError ? `${thrown.status}` : `${what.name}: ${what.message}`),
  })
}

/** What a refusal means to the person whose answer it was. Codes that are not here are told as a number. */
const sentences: Partial<Record<number, string>> = {
  [codes.unknownChannel]: discordErrors.channelGone,
  [codes.unknownGuild]: discordErrors.leftServer,
  [codes.explicitContent]: discordErrors.explicitContent,
  [codes.missingAccess]: discordErrors.permissionMissing,
  [codes.cannotMessageUser]: discordErrors.noDirectMessages,
  [codes.cannotWriteInChannel]: discordErrors.wrongChannel,
  [codes.verificationTooHigh]: discordErrors.permissionMissing,
  [codes.missingPermissions]: discordErrors.permissionMissing,
  [codes.wrongChannelType]: discordErrors.wrongChannel,
  [codes.archivedThread]: discordErrors.threadArchived,
  [codes.noMutualServer]: discordErrors.noDirectMessages,
  [codes.replyNeedsHistory]: discordErrors.historyMissing,
  [codes.lockedThread]: discordErrors.threadLocked,
  [codes.referenceNeedsHistory]: discordErrors.historyMissing,
  [codes.blockedByAutoMod]: discordErrors.blockedByAutoMod,
  [codes.harmfulLink]: discordErrors.harmfulLink,
}

function userMessageOf(status: number, code: number): string {
  if (status === 401 && code !== codes.invalidWebhookToken) return discordErrors.badToken
  if (status === 413) return discordErrors.tooLarge
  return sentences[code] ?? discordErrors.rejected(status, code)
}
