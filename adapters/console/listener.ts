/** The console's HTTP side: the page, its API (see api.ts) and its events. */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { turnActions } from '../../src/core/action.ts'
import type { Blobs } from '../../src/core/blobs.ts'
import { asParleyError, errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { ConversationRef } from '../../src/core/message.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { type ApiError, type ConsoleStatus, isCommand, PressButton, SendMessage } from './api.ts'
import type { Board } from './board.ts'
import { runInThread, serveCommands } from './commands.ts'
import { guard } from './guard.ts'
import { serveEvents } from './live.ts'
import { conversationOf, normalize, pressOf, titleOf } from './normalize.ts'
import { type Previews, servePreviews } from './previews.ts'
import { servePage } from './static.ts'
import { listTopic, type Topics, threadTopic, toJson } from './topics.ts'

export interface ListenerDeps {
  board: Board
  topics: Topics
  blobs: Blobs
  /** Deletes all that is known of a conversation, its thread included. */
  forget(conversation: ConversationRef): Promise<void>
  previews: Previews
  status(): Promise<ConsoleStatus>
  limits: ConsoleStatus['limits']
  /** Bound to an address that only this machine reaches. */
  loopback: boolean
  log: Log
}

type Env = { Bindings: HttpBindings }
const dayMs = 24 * 3_600_000
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { board, topics, blobs, limits, log } = deps
  const app = new Hono<Env>()
  app.use(guard({ loopback: deps.loopback }))
  app.onError((thrown, context) => respondError(context, thrown, log))

  app.get('/console/status', async (context) => context.json(await deps.status()))
  app.get('/console/threads', async (context) => context.json({ threads: await board.threads() }))
  app.get('/console/threads/:id', async (context) => {
    const known = await board.thread(idOf(context, 'id'))
    if (!known) throw new ParleyError('conversation_not_found', 'That thread is not here. It may have been deleted.')
    return context.json({ thread: known.thread, messages: known.messages })
  })
  app.delete('/console/threads/:id', async (context) => {
    const id = idOf(context, 'id')
    const known = await board.thread(id)
    if (known?.status) await intake.act({ kind: 'stop', turnId: known.status.turnId, ...pressOf(id) })
    await deps.forget(conversationOf(id))
    topics.publish(listTopic, toJson({ type: 'threadDeleted', threadId: id }))
    return context.body(null, 204)
  })

  app.put('/console/uploads/:uploadId', async (context) => {
    const uploadId = idOf(context, 'uploadId')
    const name = (context.req.query('name') ?? '').trim().slice(0, 255) || 'file'
    const mediaType = context.req.header('content-type')?.slice(0, 127) || 'application/octet-stream'
    const announced = Number(context.req.header('content-length') ?? Number.NaN)
    if (announced > limits.fileBytes) throw tooLarge(name, limits.fileBytes)
    const incoming = context.env.incoming
    await using blob = await blobs.put(incoming, { maxBytes: limits.fileBytes }).catch((error: unknown) => {
      if (error instanceof ParleyError && error.code === 'file_too_large') throw tooLarge(name, limits.fileBytes)
      if (
        incoming.aborted ||
        (error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')
      ) {
        throw new ParleyError('upload_incomplete', `${name} did not arrive whole. Please try again.`, { cause: error })
      }
      throw error
    })
    if (Number.isFinite(announced) && announced !== blob.bytes) {
      throw new ParleyError('upload_incomplete', `${name} did not arrive whole. Please try again.`)
    }
    await board.saveUpload({ uploadId, name, mediaType, bytes: blob.bytes, contentHash: blob.hash })
    return context.json({ uploadId, name, mediaType, bytes: blob.bytes })
  })

  app.post('/console/threads/:id/messages', async (context) => {
    const threadId = idOf(context, 'id')
    const body = await readText(context.env.incoming, limits.textChars * 4 + 64_000)
    const parsed = SendMessage.safeParse(parse(body))
    if (!parsed.success)
      throw new ParleyError(
        'request_invalid',
        'That message is not of the expected form. Reload the page and try again.',
      )
    const sent = parsed.data
    if (sent.text.length > limits.textChars) {
      throw new ParleyError(
        'message_too_long',
        `The message has ${sent.text.length} characters; the limit is ${limits.textChars}. Attach the text as a file instead.`,
      )
    }
    if (sent.uploads.length > limits.files) {
      throw new ParleyError(
        'request_invalid',
        `A message can carry ${limits.files} files. Send the others with a second message.`,
      )
    }
    if (sent.text.trim() === '' && sent.uploads.length === 0)
      throw new ParleyError('message_empty', 'The message is empty. Write a question or attach a file.')
    const uploads = await board.uploads(sent.uploads)
    if (uploads.length !== sent.uploads.length)
      throw new ParleyError('file_missing', 'One of the files is not here any more. Attach it again.')
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
  })

  app.post(`/console/turns/:turnId/:action{${turnActions.join('|')}}`, async (context) => {
    const kind = turnActions.find((each) => each === context.req.param('action')) ?? 'stop'
    const turnId = idOf(context, 'turnId')
    const said = PressButton.safeParse(parse(await readText(context.env.incoming, 64_000)) ?? {})
    if (!said.success) throw new ParleyError('request_invalid', 'That comment is too long. Say it in fewer words.')
    const { comment } = said.data
    const pressed = { kind, turnId, ...pressOf(turnId), ...(comment === undefined ? {} : { comment }) }
    return context.json(await intake.act(pressed))
  })

  app.get('/console/events', (context) => {
    const threadId = context.req.query('thread')
    if (threadId !== undefined && !uuid.test(threadId))
      throw new ParleyError('request_invalid', 'That is not the address of a thread.')
    context.header('x-accel-buffering', 'no')
    return serveEvents(context, { board, topics, threadId, log })
  })
  serveCommands(app, {
    ...{ board, blobs, topics, intake, idOf },
    body: async (context) => parse(await readText(context.env.incoming, 64_000)),
  })
  servePreviews(app, { board, previews: deps.previews })
  app.all('/console/*', () => {
    throw new ParleyError('request_invalid', 'There is nothing at that address.')
  })
  servePage(app)

  async function announce(threadId: string): Promise<void> {
    const thread = await board.summary(threadId).catch(() => null)
    if (thread) topics.publish(listTopic, toJson({ type: 'thread', thread }))
  }

  async function sweep(): Promise<void> {
    try {
      const files = await board.sweepUploads()
      if (files > 0) log.info({ files }, 'uploads that were never sent removed')
    } catch (error) {
      log.warn(errorFields(error), 'uploads that were never sent not removed; tried again in a day')
    }
  }
  let sweeping: Promise<void> = Promise.resolve()
  let daily: NodeJS.Timeout | undefined

  const handle = getRequestListener(app.fetch, { overrideGlobalObjects: false })
  return {
    mounts: [{ prefix: '/', handle: (request, response) => void handle(request, response) }],
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

function idOf(context: Context, name: string): string {
  const id = context.req.param(name) ?? ''
  if (!uuid.test(id))
    throw new ParleyError('request_invalid', 'That address is not complete. Reload the page and try again.')
  return id.toLowerCase()
}

async function readText(incoming: IncomingMessage | Http2ServerRequest, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = Number(incoming.headers['content-length'] ?? 0)
  const refuse = () =>
    new ParleyError('message_too_long', 'The message is too long. Attach the text as a file instead.')
  if (bytes > maxBytes) throw refuse()
  bytes = 0
  // The rest is left unread and the connection stays, for the answer.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes > maxBytes) throw refuse()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}

function tooLarge(name: string, bytes: number): ParleyError {
  return new ParleyError(
    'file_too_large',
    `${name} is over the limit of ${Math.floor(bytes / 1_000_000)} MB. Share a smaller file, or raise limits.fileMegabytes in parley.yaml.`,
  )
}

const statuses: Partial<Record<ParleyError['code'], 400 | 403 | 404 | 409 | 413 | 422 | 503>> = {
  request_forbidden: 403,
  conversation_not_found: 404,
  turn_not_found: 404,
  file_missing: 404,
  turn_not_latest: 409,
  file_too_large: 413,
  database_unreachable: 503,
  queue_unreachable: 503,
}

function respondError(context: Context, thrown: unknown, log: Log): Response {
  const error = asParleyError(thrown)
  if (error.code === 'internal')
    log.error({ ...errorFields(thrown), path: context.req.routePath }, 'console request failed')
  const status = statuses[error.code] ?? (error.code === 'internal' ? 500 : error.code.startsWith('file_') ? 422 : 400)
  const body: ApiError = { error: { code: error.code, tell: error.tell } }
  if (status === 503) context.header('retry-after', '1')
  return context.json(body, status)
}
