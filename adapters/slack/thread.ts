/** Reads what people said: a thread, or the newest messages of a channel, with names and files. */
import { z } from 'zod'
import { quoteConversation } from '../../src/core/context.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { retry } from '../../src/core/retry.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api, CallOptions } from './api.ts'
import { type Self, type SlackFile, SlackMessage } from './events.ts'
import { complete } from './files.ts'
import type { Workspace } from './installations.ts'
import type { NameLookUp } from './names.ts'
import { saidBefore } from './quote.ts'

export interface ThreadRange {
  channel: string
  /** Of the thread's first message. Absent: the newest messages of the channel itself. */
  root?: string | undefined
  /** Without this message and those after it. */
  before?: string | undefined
  /** Only what was said after this message. The first message is left out, too. */
  since?: string | undefined
  /** Messages that Parley remembers, and its answers to them: they are left out. Absent: Parley joins the thread. */
  taken?: ReadonlySet<string> | undefined
  /** Only this message of the thread. */
  only?: string | undefined
}

/** What belongs to a question and was read for it. */
export interface Context {
  quoted?: string | undefined
  /** Newest first. */
  files: SlackFile[]
  /** What could not be read, as sentences. */
  unread: string[]
}

export const nothing: Context = { files: [], unread: [] }

/** One page of up to this many messages, oldest first: https://docs.slack.dev/reference/methods/conversations.replies */
const pageSize = 1000
const mostPages = 5
/** The most messages that are quoted beside the first one. */
const mostMessages = 300
/** The most files of a thread that are read with a question. */
const mostFiles = 20

const Page = z.object({
  messages: z.array(z.unknown()).default([]),
  has_more: z.boolean().nullish(),
  response_metadata: z.object({ next_cursor: z.string().nullish() }).nullish(),
})

interface Read {
  messages: SlackMessage[]
  /** Messages that are not among them. */
  leftOut: number
  /** The end of the thread was not reached. */
  cut: boolean
}

/** Throws `platform_*`. Slack's limits are waited for as long as `options.patienceMs`. */
async function messagesOf(
  api: Api,
  { channel, root, before, since, only }: ThreadRange & { root: string },
  options: CallOptions,
): Promise<Read> {
  const range = only === undefined ? { oldest: since, latest: before } : { oldest: only, latest: only, inclusive: true }
  let first: SlackMessage | undefined
  let rest: SlackMessage[] = []
  let leftOut = 0
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page += 1) {
    const args = { channel, ts: root, limit: pageSize, ...range, cursor }
    const answer = Page.parse(await patiently(() => api.call('conversations.replies', args, options), options))
    for (const given of answer.messages) {
      const parsed = SlackMessage.safeParse(given)
      if (!parsed.success || parsed.data.ts === before) continue
      // Slack gives the first message with every range.
      if (parsed.data.ts === root) first = parsed.data
      else rest.push(parsed.data)
    }
    if (rest.length > mostMessages) {
      leftOut += rest.length - mostMessages
      rest = rest.slice(-mostMessages)
    }
    cursor = answer.response_metadata?.next_cursor || undefined
    if (cursor === undefined) break
  }
  const isWanted = only === undefined ? since === undefined : only === root
  return { messages: [...(first && isWanted ? [first] : []), ...rest], leftOut, cut: cursor !== undefined }
}

function patiently<T>(call: () => Promise<T>, { patienceMs = 0, signal }: CallOptions): Promise<T> {
  return retry(call, {
    on: (error) => error instanceof ParleyError && error.retry === 'later',
    asked: (error) => (error instanceof ParleyError ? error.retryAfterMs : undefined),
    delays: { firstMs: 100, mostMs: 500 },
    deadlineMs: patienceMs,
    signal,
  })
}

/** How many messages of a channel are read for a question about the discussion in it. */
const discussed = 50

/** Throws `platform_*`. Newest first: https://docs.slack.dev/reference/methods/conversations.history */
async function messagesAbove(api: Api, { channel, before }: ThreadRange, options: CallOptions): Promise<Read> {
  const args = { channel, latest: before, limit: discussed }
  const answer = Page.parse(await patiently(() => api.call('conversations.history', args, options), options))
  const messages = answer.messages.flatMap((given) => SlackMessage.safeParse(given).data ?? [])
  return { messages: messages.filter(({ ts }) => ts !== before).toReversed(), leftOut: 0, cut: false }
}

/** The messages that somebody wrote; the others are Slack's own lines. */
const written = new Set(['file_share', 'thread_broadcast', 'me_message', 'bot_message'])
export const isWritten = ({ subtype }: Pick<SlackMessage, 'subtype'>) => subtype == null || written.has(subtype)

export function createThreads(names: NameLookUp) {
  /** Throws `platform_*`. */
  return async (range: ThreadRange, self: Self, workspace: Workspace, options: CallOptions): Promise<Context> => {
    const { api } = workspace
    const { root } = range
    const { messages, leftOut, cut } =
      root === undefined ? await messagesAbove(api, range, options) : await messagesOf(api, { ...range, root }, options)
    const isOwn = ({ user, bot_id: bot }: SlackMessage) =>
      (user != null && user === self.botUserId) || (bot != null && bot === self.botId)
    const { taken } = range
    const said = messages.filter(
      // Before Parley joined, it may have posted a notice.
      (message) => isWritten(message) && (taken === undefined || !(isOwn(message) || taken.has(message.ts))),
    )
    if (said.length === 0) return nothing
    const shared = said.toReversed().flatMap((message) => (isOwn(message) ? [] : filesOf(message)))
    const [known, files] = await Promise.all([
      names.namesIn(said, self, workspace, options),
      Promise.all(newestWithFirst(shared, said[0]).map((file) => complete(api, file, options))),
    ])
    const context = quoteConversation(said.map((message) => saidBefore(message, self, known)))
    const missing = (context?.leftOut ?? 0) + leftOut
    const { thread } = slackWording.context
    return {
      quoted: context?.text,
      files,
      unread: [
        ...(cut ? [thread.cut] : missing > 0 ? [thread.leftOut(missing)] : []),
        ...(shared.length > files.length ? [thread.filesLeftOut(shared.length - files.length)] : []),
      ],
    }
  }
}

export function filesOf({ files, attachments }: SlackMessage): SlackFile[] {
  return [...(files ?? []), ...(attachments ?? []).flatMap((shared) => shared.files ?? [])]
}

/** The newest files and those of the first message, which the thread is about. */
function newestWithFirst(files: SlackFile[], first: SlackMessage | undefined): SlackFile[] {
  if (files.length <= mostFiles) return files
  const opening = first === undefined ? [] : filesOf(first).slice(0, mostFiles)
  return [...files.slice(0, mostFiles - opening.length), ...opening]
}
