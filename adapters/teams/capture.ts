/**
 * Turns the files of an activity into attachments that any worker can fetch later. The download URL of a file in a personal chat
 * is valid for minutes and grants access without a token, so it is never stored: the file is downloaded at once, usually
 * before the message is acknowledged. A large download continues after that, and a record holds its state.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HeldBlob } from '../../src/core/blobs.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Attachment } from '../../src/core/message.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { retry } from '../../src/core/retry.ts'
import { plain, type TargetData } from './activity.ts'
import type { Api } from './api.ts'
import type { Found } from './attachments.ts'
import type { Tokens } from './auth.ts'
import { contentOf, wordsOf } from './content.ts'
import { type BlobStore, GraphMessage, Locator, messageUrl } from './files.ts'
import { bodyOf, guardedFetch, type Hosts, StrangeHost } from './hosts.ts'
import { graphScopeOf, type TeamsSettings } from './settings.ts'

export interface CaptureDeps {
  settings: TeamsSettings
  blobs: BlobStore
  records: Records
  api: Pick<Api, 'group'>
  tokens: Tokens
  hosts: Hosts
  log: Log
  maxBytes: number
  /** How long an acknowledgement may wait for files. The default stays well below Teams' 15 seconds. */
  ackMs?: number
  later(what: string, work: () => Promise<unknown>): void
}

/** The message that the files belong to. */
export interface Origin {
  eventId: string
  /** The activity's ID, which is also the message's ID in Graph. */
  messageId: string
  at: TargetData
}

const downloadMs = 10 * 60_000
const beatMs = 5000
const graphMs = 2500
const tries = 3

/** Holds the downloaded blobs until it is disposed, so that the message can be stored first. */
export interface Captured extends AsyncDisposable {
  attachments: Attachment[]
  /** The words of cards and quoted messages that the message names and that only Graph has. */
  said: string[]
  unread: string[]
  /** Links downloads in progress to this turn. */
  assign(turnId: string): Promise<void>
}

export function createCapture(deps: CaptureDeps): (found: Found[], origin: Origin) => Promise<Captured> {
  const { settings, blobs, records, tokens, hosts, api, log, maxBytes, ackMs = 6000, later } = deps

  type Fetched = { blob: HeldBlob } | { failed: 'expired' | 'too_large' | 'unreachable' }

  async function download(url: string): Promise<Fetched> {
    const signal = AbortSignal.timeout(downloadMs)
    async function once(): Promise<Fetched> {
      const response = await guardedFetch(url, { signal }, { hosts, tokenFor: async () => undefined })
      if (response.ok && response.body !== null) {
        return { blob: await blobs.put(bodyOf(response), { maxBytes, signal }) }
      }
      await response.body?.cancel()
      if (response.status < 500 && response.status !== 429) return { failed: 'expired' }
      throw new Error(`status ${response.status}`)
    }
    const isTooLarge = (error: unknown) => error instanceof ParleyError && error.code === 'file_too_large'
    try {
      return await retry(once, {
        delays: { firstMs: 500, mostMs: 1000 },
        tries,
        signal,
        on: (error) => !isTooLarge(error) && !(error instanceof StrangeHost),
        onPause: (error) => log.info(errorFields(error), 'a download failed and will be tried again'),
      })
    } catch (error) {
      if (isTooLarge(error)) return { failed: 'too_large' }
      // An expired URL redirects to a sign-in page.
      if (error instanceof StrangeHost) return { failed: 'expired' }
      log.info(errorFields(error), 'a file could not be downloaded')
      return { failed: 'unreachable' }
    }
  }

  /** Downloads a file. If that takes too long, workers that need the file wait for it. */
  async function fetchNow(
    url: string,
    cloudUrl: string | undefined,
    deadline: Promise<undefined>,
    held: AsyncDisposableStack,
  ): Promise<{ locator: Locator; blob?: HeldBlob }> {
    const fetching = download(url)
    const fetched = await Promise.race([fetching, deadline])
    if (fetched === undefined) {
      const key = randomUUID()
      await records.put(`file/${key}`, { at: Date.now() })
      later('downloading a file', () => report(key, fetching))
      return { locator: { kind: 'coming', key, cloudUrl } }
    }
    if ('blob' in fetched) return { locator: { kind: 'blob', blob: fetched.blob.hash }, blob: held.use(fetched.blob) }
    if (fetched.failed === 'too_large') {
      const key = randomUUID()
      await records.put(`file/${key}`, plain({ at: Date.now(), failed: fetched.failed }))
      return { locator: { kind: 'coming', key } }
    }
    return { locator: { kind: 'expired', cloudUrl } }
  }

  async function report(key: string, fetching: Promise<Fetched>): Promise<void> {
    for (;;) {
      const fetched = await Promise.race([fetching, sleep(beatMs, undefined)])
      if (fetched !== undefined && 'blob' in fetched) {
        await using blob = fetched.blob
        await records.put(`file/${key}`, { at: Date.now(), blob: blob.hash }, { blobs: [blob.hash] })
        return
      }
      await records.put(`file/${key}`, plain({ at: Date.now(), ...fetched }))
      if (fetched !== undefined) return
    }
  }

  /** Names and URLs of the files placed in a message; empty if Parley may not read the message. */
  async function placedIn({ at, messageId }: Origin): Promise<GraphMessage['attachments']> {
    const signal = AbortSignal.timeout(graphMs)
    try {
      const url = messageUrl(settings, at, messageId, await api.group(at))
      if (url === undefined) return []
      const tokenFor = async (to: string) => (hosts.isGraph(to) ? await tokens.get(graphScopeOf(settings)) : undefined)
      const response = await guardedFetch(url, { signal }, { hosts, tokenFor })
      return response.ok ? GraphMessage.parse(await response.json()).attachments : []
    } catch (error) {
      log.debug(errorFields(error), 'the files of a message could not be looked up; a worker tries again')
      return []
    }
  }

  return async (found, origin) => {
    await using held = new AsyncDisposableStack()
    const deadline = sleep(ackMs, undefined, { ref: false })
    const said: string[] = []
    const unread: string[] = []
    const placed = found.some(({ source }) => source.kind === 'placed') ? await placedIn(origin) : []

    async function one({ source, ...file }: Found, index: number): Promise<Attachment[]> {
      const known = { id: `${origin.eventId}/${index}`, voiceNote: false, ...file }
      const capture = (locator: Locator, more: Partial<Attachment> = {}) => [
        { ...known, ...more, locator: plain(locator) },
      ]
      if (source.kind === 'download') {
        const { locator, blob } = await fetchNow(source.url, source.cloudUrl, deadline, held)
        const link = linkTo(source.cloudUrl)
        return capture(locator, blob === undefined ? { link } : { link, bytes: blob.bytes, blob: blob.hash })
      }
      if (source.kind === 'share') return capture(source, { link: linkTo(source.url) })
      if (source.kind !== 'placed') return capture(source)
      const entry = placed.find(({ id }) => id === source.id)
      // Cards, code and quoted messages are placed in a message like files.
      if (entry && entry.contentType !== 'reference') {
        const content = contentOf({ attachments: [entry] })
        said.push(...[wordsOf(content)].filter((words) => words !== ''))
        unread.push(...content.unread)
        return (await Promise.all(content.files.map((each) => one(each, index)))).flat()
      }
      if (entry?.contentUrl)
        return capture(
          { kind: 'share', url: entry.contentUrl },
          { name: entry.name ?? known.name, link: linkTo(entry.contentUrl) },
        )
      return capture({ kind: 'placed', id: source.id, message: origin.messageId, at: origin.at })
    }
    const attachments = (await Promise.all(found.map(one))).flat()
    const kept = held.move()
    return {
      attachments,
      said,
      unread,
      async assign(turnId) {
        for (const { locator } of attachments) {
          const coming = Locator.safeParse(locator).data
          if (coming?.kind === 'coming') await records.assign(`file/${coming.key}`, turnId)
        }
      },
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    }
  }
}

/** Where people open a file of SharePoint or OneDrive. */
const linkTo = (url: string | undefined) => (url !== undefined && /^https:\/\//i.test(url) ? url : undefined)
