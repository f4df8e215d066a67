/** The console's HTTP side: the page, its API (see api.ts) and its events. */

import type { Blobs } from '../../src/core/blobs.ts'
import type { Collections } from '../../src/core/collections.ts'
import { turnActions } from '../../src/core/command.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import type { Log } from '../../src/core/log.ts'
import type { Author, ConversationRef } from '../../src/core/message.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { isUuid } from '../../src/core/uuid.ts'
import { actionWording } from '../../src/wording/answers.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { type Accounts, accountRoutes, holds, idOf } from './account.ts'
import { type AdminRoutes, adminRoutes } from './admin.ts'
import { type ConsoleStatus, isCommand, PressButton, SendMessage } from './api.ts'
import type { Board } from './board.ts'
import { collectionRoutes } from './collections.ts'
import { asks, commandRoutes, hasTurn, runInThread, terminalAnswer } from './commands.ts'
import { keyRoutes, type OwnKeys } from './keys.ts'
import { linkingRoutes } from './linking.ts'
import {
  createPageWatch,
  createThreadFeed,
  publishChanged,
  publishDeleted,
  serveEvents,
  type Topics,
  threadTopic,
  toJson,
} from './live.ts'
import {
  type Asker,
  askerOf as askerOfCaller,
  cliAuthor,
  conversationOf,
  jsonIn,
  normalize,
  pressOf,
  titleOf,
} from './normalize.ts'
import { type PreviewRoutes, type Previews, previewRoutes } from './previews.ts'
import { providerRoutes } from './providers.ts'
import { pageRoutes, securityHeaders } from './static.ts'

export interface ListenerDeps {
  board: Board
  topics: Topics
  blobs: Blobs
  /** Deletes all that is known of a conversation, its thread included. */
  forget(conversation: ConversationRef): Promise<void>
  previews: Previews
  maySee: PreviewRoutes['maySee']
  status(asked: AskedStatus): Promise<ConsoleStatus>
  accounts: Accounts
  recordReading: AdminRoutes['recordReading']
  collections: Collections
  linking: Parameters<typeof linkingRoutes>[0]
  ownKeys: OwnKeys
  limits: ConsoleStatus['limits']
  log: Log
}

export interface AskedStatus {
  /** May change the settings of the server. */
  manages: boolean
  author: Author
  /** The thread that is open, or any other ID. */
  threadId: string
}

const dayMs = 24 * 3_600_000

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { board, topics, blobs, limits, accounts, log } = deps
  const access = ['page'] as const
  const list = createThreadFeed({ board, topics, log })
  const watch = createPageWatch(topics)
  const askerOf = async (context: HttpContext): Promise<Asker> =>
    askerOfCaller(context.get('caller'), await accounts.people.areSetUp())
  const ownerOf = async (context: HttpContext) => (await askerOf(context)).owner

  const routes: Route[] = [
    {
      method: 'GET',
      path: '/console/status',
      access,
      async handle(context) {
        const caller = context.get('caller')
        const isOther = caller.as === 'page' && caller.person !== null && caller.person.role !== 'admin'
        const { author } = await askerOf(context)
        const threadId = context.req.query('thread')
        return context.json(
          await deps.status({
            manages: !isOther,
            author,
            threadId: isUuid(threadId ?? '') ? (threadId ?? '') : noThread,
          }),
        )
      },
    },
    {
      method: 'GET',
      path: '/console/threads',
      access,
      handle: async (context) => context.json({ threads: await board.threads(await ownerOf(context)) }),
    },
    {
      method: 'GET',
      path: '/console/threads/:id',
      access,
      async handle(context) {
        const known = await board.thread(idOf(context, 'id'), await ownerOf(context))
        if (!known) throw threadMissing()
        return context.json({ thread: known.thread, messages: known.messages })
      },
    },
    {
      method: 'DELETE',
      path: '/console/threads/:id',
      access,
      async handle(context) {
        const id = idOf(context, 'id')
        const { author, owner } = await askerOf(context)
        const known = await board.thread(id, owner)
        // Deleting again is no harm; what is somebody else's looks as if it were not there.
        if (known === null && (await board.ownerOf(id)) !== undefined) throw threadMissing()
        if (known?.status) await intake.act({ kind: 'stop', turnId: known.status.turnId, ...pressOf(id, author) })
        if (known !== null) await deps.forget(conversationOf(id))
        publishDeleted(topics, id, owner)
        return context.body(null, 204)
      },
    },
    {
      method: 'PUT',
      path: '/console/uploads/:uploadId',
      access,
      body: 'upload',
      async handle(context) {
        const uploadId = idOf(context, 'uploadId')
        const name = (context.req.query('name') ?? '').trim().slice(0, 255) || 'file'
        const mediaType = context.req.header('content-type')?.slice(0, 127) || 'application/octet-stream'
        const announced = Number(context.req.header('content-length') ?? Number.NaN)
        if (announced > limits.fileBytes) throw tooLarge(name, limits.fileBytes)
        await using blob = await blobs
          .put(context.get('upload'), { maxBytes: limits.fileBytes })
          .catch((error: unknown) => {
            const code = error instanceof ParleyError ? error.code : undefined
            if (code === 'file_too_large') throw tooLarge(name, limits.fileBytes)
            if (code !== 'request_incomplete') throw error
            throw new ParleyError('upload_incomplete', `${name} did not arrive whole. Please try again.`, {
              cause: error,
            })
          })
        if (Number.isFinite(announced) && announced !== blob.bytes) {
          throw new ParleyError('upload_incomplete', `${name} did not arrive whole. Please try again.`)
        }
        await board.saveUpload(
          { uploadId, name, mediaType, bytes: blob.bytes, contentHash: blob.hash },
          await ownerOf(context),
        )
        return context.json({ uploadId, name, mediaType, bytes: blob.bytes })
      },
    },
    {
      method: 'POST',
      path: '/console/threads/:id/messages',
      access,
      body: { maxBytes: limits.textChars * 4 + 64_000 },
      async handle(context) {
        const threadId = idOf(context, 'id')
        const parsed = SendMessage.safeParse(jsonIn(context))
        if (!parsed.success) throw new ParleyError('request_invalid', consoleWording.messageInvalid)
        const sent = parsed.data
        if (sent.text.length > limits.textChars) {
          throw new ParleyError('message_too_long', consoleWording.messageTooLong(sent.text.length, limits.textChars))
        }
        if (sent.uploads.length > limits.files) {
          throw new ParleyError('request_invalid', consoleWording.tooManyFiles(limits.files))
        }
        if (sent.text.trim() === '' && sent.uploads.length === 0)
          throw new ParleyError('message_empty', consoleWording.messageEmpty)
        const asker = await askerOf(context)
        const uploads = await board.uploads(sent.uploads, asker.owner)
        if (uploads.length !== sent.uploads.length) throw new ParleyError('file_missing', consoleWording.uploadMissing)
        const attachments = uploads.map(({ uploadId, name, mediaType, bytes }) => ({
          id: uploadId,
          name,
          mediaType,
          bytes,
        }))
        const command = uploads.length === 0 && isCommand(sent.text)
        const fromTerminal = context.get('caller').as === 'terminal'
        const message = await board.addMessage({
          id: sent.id,
          threadId,
          owner: asker.owner,
          text: sent.text.trim(),
          title: titleOf(sent.text, uploads),
          attachments,
          listed: !command && !fromTerminal,
        })
        if (command) {
          topics.publish(threadTopic(threadId), toJson({ type: 'message', message }))
          // Saved questions of the terminal belong to the user of its commands.
          const by = fromTerminal && asks(sent.text, intake.commands) ? { ...asker, author: cliAuthor } : asker
          const notice = await runInThread({ board, blobs, topics, intake }, message, by, sent.locale)
          publishChanged(topics, threadId)
          return context.json({ message, turnId: null, notice: await terminalAnswer(notice, board) }, 202)
        }
        const received = await intake.receive(normalize(threadId, sent, uploads, asker.author, new Date()))
        if (received.kind === 'refused') throw new ParleyError('request_forbidden', received.notice.text)
        const { turnId } = received
        // Told only now: a page forgets its own copy of a message that has a turn.
        const taken = { ...message, turnId }
        topics.publish(threadTopic(threadId), toJson({ type: 'message', message: taken }))
        publishChanged(topics, threadId)
        return context.json({ message: taken, turnId, notice: null }, 202)
      },
    },
    {
      method: 'POST',
      path: `/console/turns/:turnId/:action{${turnActions.join('|')}}`,
      access,
      body: { maxBytes: 64_000 },
      async handle(context) {
        const kind = turnActions.find((each) => each === context.req.param('action')) ?? 'stop'
        const turnId = idOf(context, 'turnId')
        const body = PressButton.safeParse(jsonIn(context) ?? {})
        if (!body.success) throw new ParleyError('request_invalid', consoleWording.commentTooLong)
        const { author, owner } = await askerOf(context)
        if (!(await hasTurn(board, turnId, owner))) throw new ParleyError('turn_not_found', actionWording.notFound)
        const { comment } = body.data
        const pressed = { kind, turnId, ...pressOf(turnId, author), comment }
        return context.json(await intake.act(pressed))
      },
    },
    {
      method: 'GET',
      path: '/console/events',
      access,
      async handle(context) {
        const threadId = context.req.query('thread')
        if (threadId !== undefined && !isUuid(threadId))
          throw new ParleyError('request_invalid', consoleWording.threadAddressInvalid)
        const owner = await ownerOf(context)
        // A page opens its new thread before there is one.
        if (threadId !== undefined) {
          const whose = await board.ownerOf(threadId)
          if (whose !== undefined && whose !== owner) throw threadMissing()
        }
        const caller = context.get('caller')
        const holding = () => holds(accounts, caller)
        return serveEvents(context, { board, topics, list, threadId, owner, holds: holding, watch: watch.add, log })
      },
    },
    ...commandRoutes({ board, blobs, topics, intake, askerOf }),
    ...previewRoutes({ board, previews: deps.previews, askerOf, maySee: deps.maySee }),
    ...accountRoutes({ accounts, board }),
    ...providerRoutes(accounts),
    ...linkingRoutes(deps.linking),
    ...keyRoutes(deps.ownKeys),
    ...adminRoutes({ accounts, board, blobs, topics, recordReading: deps.recordReading }),
    ...collectionRoutes({ collections: deps.collections, accounts, board, ownerOf }),
    ...pageRoutes(),
  ]

  async function sweep(): Promise<void> {
    try {
      const files = await board.sweepUploads()
      if (files > 0) log.info({ files }, 'removed uploads that were never sent')
    } catch (error) {
      log.warn(errorFields(error), 'could not remove uploads that were never sent; trying again in a day')
    }
  }
  let sweeping: Promise<void> = Promise.resolve()
  let daily: NodeJS.Timeout | undefined

  return {
    mounts: [{ prefix: '/', routes, headers: securityHeaders }],
    connections: () => [],
    async start() {
      await list.start()
      await watch.start()
      const again = () => {
        sweeping = sweep()
      }
      again()
      daily = setInterval(again, dayMs).unref()
    },
    async stop() {
      await list.stop()
      await watch.stop()
      clearInterval(daily)
      await sweeping
    },
  }
}

const noThread = '00000000-0000-0000-0000-000000000000'

const threadMissing = () => new ParleyError('conversation_not_found', consoleWording.threadMissing)

function tooLarge(name: string, bytes: number): ParleyError {
  return new ParleyError('file_too_large', consoleWording.fileTooLarge(name, Math.floor(bytes / 1_000_000)))
}
