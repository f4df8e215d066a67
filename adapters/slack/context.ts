/** Reads what belongs to a question beside its own text, within the time that Slack gives for the acknowledgement. */

import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { type Attachment, asContent, type IncomingMessage } from '../../src/core/message.ts'
import type { KnownTalk } from '../../src/core/platform.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { CallOptions } from './api.ts'
import { type MessageEvent, type Self, type SlackFile, TargetData } from './events.ts'
import { complete, isStub } from './files.ts'
import type { Workspace } from './installations.ts'
import { createLinks } from './links.ts'
import type { NameLookUp } from './names.ts'
import { attachmentsOf, tsIn, tsOf } from './normalize.ts'
import type { People } from './people.ts'
import { slackCode } from './sdk.ts'
import { type Context, createThreads, nothing } from './thread.ts'

/** Slack delivers again after three seconds: https://docs.slack.dev/apis/events-api/#retries */
const patienceMs = 2000
/** For what was said since Parley was called last: a rush of questions does not wait for it, and the receipt says so. */
const sincePatienceMs = 500

export interface QuestionContext {
  /** The event with the names, types and links of files that it has only the ids of. */
  withFiles(event: MessageEvent, workspace: Workspace): Promise<MessageEvent>
  /**
   * The question with what Parley does not know yet of the thread above it, and with the messages that it links to. Never
   * throws: what could not be read is among `unread`.
   */
  withContext(message: IncomingMessage, about: About, self: Self, workspace: Workspace): Promise<IncomingMessage>
}

export interface About {
  event: MessageEvent
  /** What is read above the question. */
  above: 'thread' | 'discussion' | 'nothing'
  /** The question begins its conversation. */
  begins: boolean
  known?: KnownTalk | undefined
}

export interface ContextDeps {
  names: NameLookUp
  people: People
  log: Log
}

/** How long a question waits for what belongs to it. */
export const limited = (ms = patienceMs): CallOptions => ({ patienceMs: ms, signal: AbortSignal.timeout(ms) })

export function createContext({ names, people, log }: ContextDeps): QuestionContext {
  const readThread = createThreads(names)
  const openLinks = createLinks(readThread, people)

  async function saidAbove(
    message: IncomingMessage,
    { above, known }: About,
    self: Self,
    workspace: Workspace,
  ): Promise<Context & { failed?: boolean }> {
    const { channel, thread, ts: before } = TargetData.parse(message.replyTarget.data)
    const root = above === 'thread' ? thread : undefined
    try {
      const patience = known === undefined ? patienceMs : sincePatienceMs
      const since = known?.upTo && tsOf(known.upTo)
      const taken = known && new Set(known.taken.map((id) => tsIn(id)).filter((ts) => ts !== undefined))
      return await readThread({ channel, root, before, since, taken }, self, workspace, limited(patience))
    } catch (error) {
      const code = slackCode(error)
      // The messages above were deleted.
      if (code === 'thread_not_found') return nothing
      log.info(errorFields(error), 'what was said above a question could not be read')
      const { unread, noAccess } = slackWording.context.above
      return { ...nothing, unread: [code === undefined ? unread : noAccess], failed: true }
    }
  }

  return {
    async withFiles(event, { api }) {
      const whole = async (files: SlackFile[] | null | undefined) =>
        files?.some(isStub) ? await Promise.all(files.map((file) => complete(api, file, limited()))) : files
      const [files, attachments] = await Promise.all([
        whole(event.files),
        Promise.all((event.attachments ?? []).map(async (shared) => ({ ...shared, files: await whole(shared.files) }))),
      ])
      return { ...event, files, attachments }
    },

    async withContext(message, about, self, workspace) {
      const { event } = about
      const { channel, thread, direct, user = '' } = TargetData.parse(message.replyTarget.data)
      const asked = { channel, thread, user, direct: direct === true }
      const known = (event.attachments ?? []).flatMap(({ from_url: from }) => from ?? [])
      const [above, linked] = await Promise.all([
        about.above === 'nothing' ? undefined : saidAbove(message, about, self, workspace),
        openLinks(event.text ?? '', known, asked, self, workspace, limited()),
      ])
      const quoted = [message.quoted, above?.quoted, linked.quoted].filter((part) => part !== undefined)
      const unread = [...(above?.unread ?? []), ...linked.unread]
      const isRead = about.above === 'thread' && above?.failed !== true
      return {
        ...message,
        quoted: quoted.length === 0 ? undefined : quoted.join('\n\n'),
        attachments: withOthers(message.attachments, attachmentsOf([...linked.files, ...(above?.files ?? [])], self)),
        unread: unread.length === 0 ? undefined : unread,
        upToDate: about.begins || isRead ? true : undefined,
      }
    },
  }
}

/** Whatever is in the files of others, the asker did not say it. */
function withOthers(own: Attachment[], others: Attachment[]): Attachment[] {
  return [...own, ...asContent(others).filter(({ id }) => !own.some((file) => file.id === id))]
}
