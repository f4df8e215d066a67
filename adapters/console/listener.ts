/** The console's HTTP side: the page, its API (see api.ts) and its events. */

import type { Blobs } from '../../src/core/blobs.ts'
import { turnActions } from '../../src/core/command.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import type { Log } from '../../src/core/log.ts'
import type { ConversationRef } from '../../src/core/message.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { type ConsoleStatus, isCommand, PressButton, SendMessage } from './api.ts'
import type { Board } from './board.ts'
import { commandRoutes, runInThread } from './commands.ts'
import { listTopic, serveEvents, type Topics, threadTopic, toJson } from './live.ts'
import { conversationOf, jsonIn, normalize, pressOf, titleOf } from './normalize.ts'
import { type Previews, previewRoutes } from './previews.ts'
import { pageRoutes, securityHeaders } from './static.ts'

export interface ListenerDeps {
  board: Board
  topics: Topics
  blobs: Blobs
  /** Deletes all that is known of a conversation, its thread included. */
  forget(conversation: ConversationRef): Promise<void>
  previews: Previews
  status(): Promise<ConsoleStatus>
  limits: ConsoleStatus['limits']
  log: Log
}

const dayMs = 24 * 3_600_000
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { board, topics, blobs, limits, log } = deps
  const access = ['page'] as const

  const routes: Route[] = [
    {
      method: 'GET',
      path: '/console/status',
      access,
      handle: async (context) => context.json(await deps.status()),
    },
    {
      method: 'GET',
      path: '/console/threads',
      access,
      handle: async (context) => context.json({ threads: await board.threads() }),
    },
    {
      method: 'GET',
      path: '/console/threads/:id',
      access,
      async handle(context) {
        const known = await board.thread(idOf(context, 'id'))
        if (!known) throw new ParleyError('conversation_not_found', consoleWording.threadMissing)
        return context.json({ thread: known.thread, messages: known.messages })
      },
    },
    {
      method: 'DELETE',
      path: '/console/threads/:id',
      access,
      async handle(context) {
        const id = idOf(context, 'id')
        const known = await board.thread(id)
        if (known?.status) await intake.act({ kind: 'stop', turnId: known.status.turnId, ...pressOf(id) })
        await deps.forget(conversationOf(id))
        topics.publish(listTopic, toJson({ type: 'threadDeleted', threadId: id }))
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
        await board.saveUpload({ uploadId, name, mediaType, bytes: blob.bytes, contentHash: blob.hash })
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
        const uploads = await board.uploads(sent.uploads)
        if (uploads.length !== sent.uploads.length) throw new ParleyError('file_missing', consoleWording.uploadMissing)
        const attachments = uploads.map(({ uploadId, name, mediaType, bytes }) => ({
          id: uploadId,
          name,
          mediaType,
          bytes,
        }))
        const message = await board.addMessage({
          id: sent.id,
          threadId,
          text: sent.text.trim(),
          title: titleOf(sent.text, uploads),
          attachments,
        })
        if (uploads.length === 0 && isCommand(sent.text)) {
          topics.publish(threadTopic(threadId), toJson({ type: 'message', message }))
          await runInThread({ board, blobs, topics, intake }, message, sent.locale)
          void announce(threadId)
          return context.json({ message, turnId: null }, 202)
        }
        const received = await intake.receive(normalize(threadId, sent, uploads, new Date()))
        if (received.kind === 'refused') throw new ParleyError('request_forbidden', received.notice.text)
        const { turnId } = received
        // Told only now: a page forgets its own copy of a message that has a turn.
        const taken = { ...message, turnId }
        topics.publish(threadTopic(threadId), toJson({ type: 'message', message: taken }))
        void announce(threadId)
        return context.json({ message: taken, turnId }, 202)
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
        const { comment } = body.data
        const pressed = { kind, turnId, ...pressOf(turnId), comment }
        return context.json(await intake.act(pressed))
      },
    },
    {
      method: 'GET',
      path: '/console/events',
      access,
      handle(context) {
        const threadId = context.req.query('thread')
        if (threadId !== undefined && !uuid.test(threadId))
          throw new ParleyError('request_invalid', consoleWording.threadAddressInvalid)
        return serveEvents(context, { board, topics, threadId, log })
      },
    },
    ...commandRoutes({ board, blobs, topics, intake, idOf }),
    ...previewRoutes({ board, previews: deps.previews }),
    ...pageRoutes(),
  ]

  async function announce(threadId: string): Promise<void> {
    const thread = await board.summary(threadId).catch(() => null)
    if (thread) topics.publish(listTopic, toJson({ type: 'thread', thread }))
  }

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
      const again = () => {
        sweeping = sweep()
      }
      again()
      daily = setInterval(again, dayMs).unref()
    },
    async stop() {
      clearInterval(daily)
      await sweeping
    },
  }
}

function idOf(context: HttpContext, name: string): string {
  const id = context.req.param(name) ?? ''
  if (!uuid.test(id)) throw new ParleyError('request_invalid', consoleWording.addressIncomplete)
  return id.toLowerCase()
}

function tooLarge(name: string, bytes: number): ParleyError {
  return new ParleyError('file_too_large', consoleWording.fileTooLarge(name, Math.floor(bytes / 1_000_000)))
}
