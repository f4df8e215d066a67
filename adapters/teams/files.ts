/** Fetches shared files in any process: the listener's copy if there is one, otherwise from Microsoft's cloud through Graph. */
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Blobs } from '../../src/core/blobs.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Files } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { TargetData } from './activity.ts'
import type { Api } from './api.ts'
import type { Tokens } from './auth.ts'
import { bodyOf, guardedFetch, type Hosts, StrangeHost } from './hosts.ts'
import { botScopeOf, graphPermissions, graphScopeOf, graphUrlOf, type TeamsSettings } from './settings.ts'

export type BlobStore = Pick<Blobs, 'put' | 'has' | 'open'>

/** `cloudUrl`: the file's address in OneDrive or SharePoint, which Graph can open. */
export type Locator = z.infer<typeof Locator>
export const Locator = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('blob'), blob: z.string() }),
  /** The listener is still downloading it; a record holds the result. */
  z.object({ kind: z.literal('coming'), key: z.string(), cloudUrl: z.string().optional() }),
  /** The download URL had expired. */
  z.object({ kind: z.literal('expired'), cloudUrl: z.string().optional() }),
  z.object({ kind: z.literal('service'), url: z.string() }),
  z.object({ kind: z.literal('share'), url: z.string() }),
  z.object({ kind: z.literal('graph'), url: z.string() }),
  z.object({ kind: z.literal('placed'), id: z.string(), message: z.string(), at: TargetData }),
])

/** The state of a download that outlasts the acknowledgement; the listener renews `at` while it runs. */
export const Coming = z.object({
  at: z.number(),
  blob: z.string().optional(),
  /** Why the download failed. */
  failed: z.enum(['expired', 'too_large', 'unreachable']).optional(),
})

export interface FilesDeps {
  settings: TeamsSettings
  blobs: BlobStore
  records: Records
  api: Pick<Api, 'group'>
  tokens: Tokens
  hosts: Hosts
}

/** After this long without a renewal, the listener is considered dead. */
const silentMs = 20_000
const lookEveryMs = 400
const answerMs = 30_000
const permission = Object.keys(graphPermissions).join(', ')

export function createFiles(deps: FilesDeps): Files {
  const { settings, blobs, records, tokens, hosts, api } = deps
  const graphScope = graphScopeOf(settings)

  const tokenFor = async (url: string) => {
    if (hosts.isGraph(url)) return await tokens.get(graphScope)
    return hosts.isService(url) ? await tokens.get(botScopeOf(settings)) : undefined
  }

  async function get(url: string, name: string, signal: AbortSignal): Promise<Response> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), answerMs)
    try {
      return await guardedFetch(url, { signal: AbortSignal.any([signal, late.signal]) }, { hosts, tokenFor })
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof ParleyError) throw cause
      if (cause instanceof StrangeHost)
        throw new ParleyError('file_missing', teamsWording.files.foreignHost(name), { cause })
      throw failed(name, undefined, cause)
    } finally {
      clearTimeout(timer)
    }
  }

  async function fetched(url: string, name: string, signal: AbortSignal): Promise<Readable> {
    const response = await get(url, name, signal)
    if (response.ok && response.body !== null) return bodyOf(response)
    await response.body?.cancel()
    const { status } = response
    if ((status === 401 || status === 403) && hosts.isGraph(url)) throw noConsent(name)
    if (status === 401 || status === 403 || status === 404 || status === 410) throw missing(name)
    throw failed(name, Number(response.headers.get('retry-after')) * 1000, new Error(`status ${status}`))
  }

  async function opened(hash: string, name: string): Promise<Readable> {
    if (!(await blobs.has(hash))) throw missing(name)
    return await blobs.open(hash)
  }

  /** Without a copy, Parley asks Graph for the file. */
  async function fromCloud(cloudUrl: string | undefined, name: string, signal: AbortSignal): Promise<Readable> {
    if (cloudUrl === undefined) throw expired(name)
    try {
      return await fetched(shareUrl(settings, cloudUrl), name, signal)
    } catch (error) {
      if (error instanceof ParleyError && error.retry === 'never') throw expired(name)
      throw error
    }
  }

  async function awaited(
    key: string,
    cloudUrl: string | undefined,
    name: string,
    signal: AbortSignal,
  ): Promise<Readable> {
    for (;;) {
      const { at, blob, failed: why } = Coming.safeParse(await records.get(`file/${key}`)).data ?? { at: 0 }
      if (blob !== undefined) return await opened(blob, name)
      if (why === 'too_large') throw new ParleyError('file_too_large', teamsWording.files.tooLarge(name))
      if (why !== undefined || Date.now() - at > silentMs) return await fromCloud(cloudUrl, name, signal)
      await sleep(lookEveryMs, undefined, { signal })
    }
  }

  async function placed(
    locator: Extract<Locator, { kind: 'placed' }>,
    name: string,
    signal: AbortSignal,
  ): Promise<Readable> {
    const group = await api.group(locator.at).catch(() => undefined)
    const url = messageUrl(settings, locator.at, locator.message, group)
    if (url === undefined) throw noConsent(name)
    const response = await get(url, name, signal)
    if (response.status === 401 || response.status === 403 || response.status === 404) throw noConsent(name)
    if (!response.ok) throw failed(name, undefined, new Error(`status ${response.status}`))
    const { attachments } = GraphMessage.parse(await response.json())
    const cloudUrl = attachments.find(({ id }) => id === locator.id)?.contentUrl
    if (!cloudUrl) throw missing(name)
    return await fetched(shareUrl(settings, cloudUrl), name, signal)
  }

  return {
    async fetch({ name, locator: stored }, { signal }) {
      const locator = Locator.parse(stored)
      switch (locator.kind) {
        case 'blob':
          return await opened(locator.blob, name)
        case 'coming':
          return await awaited(locator.key, locator.cloudUrl, name, signal)
        case 'expired':
          return await fromCloud(locator.cloudUrl, name, signal)
        case 'share':
          return await fetched(shareUrl(settings, locator.url), name, signal)
        case 'placed':
          return await placed(locator, name, signal)
        default:
          return await fetched(locator.url, name, signal)
      }
    },
  }
}

function missing(name: string): ParleyError {
  return new ParleyError('file_missing', chatWording.fileGone(name, 'Teams'))
}

function expired(name: string): ParleyError {
  return new ParleyError('file_missing', teamsWording.files.expired(name))
}

function noConsent(name: string): ParleyError {
  return new ParleyError('file_missing', teamsWording.files.noConsent(name, permission))
}

function failed(name: string, retryAfterMs: number | undefined, cause: unknown): ParleyError {
  return new ParleyError('file_fetch_failed', chatWording.fileNotFetched(name, 'Teams'), {
    cause,
    retryAfterMs: retryAfterMs !== undefined && retryAfterMs > 0 ? retryAfterMs : undefined,
  })
}

export const GraphMessage = z.object({
  attachments: z
    .array(
      z.object({
        id: z.string(),
        contentType: z.string(),
        contentUrl: z.string().nullish(),
        name: z.string().nullish(),
        /** JSON, for cards and quoted messages. */
        content: z.string().nullish(),
      }),
    )
    .default([]),
})
export type GraphMessage = z.infer<typeof GraphMessage>

/** `undefined` if the event does not name its team. */
export function messageUrl(
  settings: TeamsSettings,
  data: TargetData,
  id: string,
  group: string | undefined,
): string | undefined {
  const [channel = '', root] = data.conversation.split(';messageid=')
  const base = `${graphUrlOf(settings)}/v1.0`
  const part = encodeURIComponent
  if (data.scope !== 'channel') return `${base}/chats/${part(channel)}/messages/${part(id)}`
  if (group === undefined) return undefined
  const thread = `${base}/teams/${part(group)}/channels/${part(channel)}/messages/${part(root ?? id)}`
  return root === undefined || root === id ? thread : `${thread}/replies/${part(id)}`
}

/** The content of a file, by the web address that people see: https://learn.microsoft.com/graph/api/shares-get */
export function shareUrl(settings: TeamsSettings, address: string): string {
  return `${graphUrlOf(settings)}/v1.0/shares/u!${Buffer.from(address).toString('base64url')}/driveItem/content`
}
