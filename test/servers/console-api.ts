/**
 * A stand-in for the console's server: what each turn says is scripted by the test, step by step, so that every state of
 * the page can be held and looked at. It serves the built page under the real server's security headers.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SessionState } from '../../adapters/console/account-api.ts'
import type { ConsoleEvent, ConsoleStatus, Message, Thread, TurnStatus, Upload } from '../../adapters/console/api.ts'
import { PressAction, PressButton, SendMessage } from '../../adapters/console/api.ts'
import { securityHeaders } from '../../adapters/console/static.ts'
import type { Receipt } from '../../src/core/reply.ts'
import { pageMarks, pagePicture, textFrom } from './console-document.ts'
import { bytesOf, json, sendRecording, servePage, writeEvent } from './console-wire.ts'

export interface ScriptedTurn {
  turnId: string
  threadId: string
  status(text: string, state?: TurnStatus['state']): void
  /** More text of the reply; the first makes its message appear. */
  write(text: string): void
  /** More of what its model thinks. */
  think(thoughts: string): void
  finish(end?: Partial<Pick<Message, 'citations' | 'receipt' | 'state' | 'text'>>): void
  /** Resolves when the page has asked to stop it. */
  stopped: Promise<void>
}

export type ConsoleApi = Awaited<ReturnType<typeof startConsoleApi>>

export async function startConsoleApi() {
  const threads = new Map<string, { thread: Thread; messages: Message[]; status: TurnStatus | null }>()
  const uploads = new Map<string, Upload>()
  const pages = new Map<ServerResponse, string | null>()
  const turns = new Map<string, ScriptedTurn & { stop(): void }>()
  const started: ScriptedTurn[] = []
  const waiting: ((turn: ScriptedTurn) => void)[] = []
  const faults: { request: string; status: number; userMessage: string }[] = []
  let uploadGate: Promise<void> | null = null

  const api = {
    url: '',
    /** What the page is told of the server; change it before the page is opened. */
    status: {
      version: '1.0.0',
      models: ['gpt-oss:20b'],
      notice: null,
      limits: { fileBytes: 100_000_000, files: 10, textChars: 20_000 },
      web: null,
    } as ConsoleStatus,
    /** `PUT /console/uploads` and so on, without ids, in order of arrival. */
    requests: [] as string[],
    /** What a citation of a recording plays; `null`: nothing can be played. */
    recording: null as { kind: 'audio' | 'video'; mediaType: string; bytes: Buffer } | null,
    /** What pictures of places were asked for. */
    pictures: [] as string[],
    /** What calls of the account screens are answered, by method and path. At first: this machine, without accounts. */
    answers: new Map<string, unknown>([['GET /console/session', noAccounts]]),
    /** Buttons pressed below replies and notices, in order: `why`, `bad: Wrong page.`, `approve:<id>`. */
    pressed: [] as string[],
    /** What the button "Why" is answered. */
    why: 'Answered by `ollama/gpt-oss:20b`.',
    /** The messages taken in, each once. */
    sent: [] as SendMessage[],
    /** Off: each call is cut without an answer, as by a server that is being restarted. */
    reachable: true,
    /** The turn that starts next, or one that has started and was not asked for yet. */
    nextTurn(): Promise<ScriptedTurn> {
      const ready = started.shift()
      return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready)
    },
    /** Bodies of uploads are not read until the returned function is called. */
    holdUploads(): () => void {
      const gate = Promise.withResolvers<void>()
      uploadGate = gate.promise
      return () => {
        uploadGate = null
        gate.resolve()
      }
    },
    /** The next request that begins so is refused. */
    refuse(request: string, status: number, userMessage: string): void {
      faults.push({ request, status, userMessage })
    },
    /** Ends every event stream, as a proxy does. */
    dropEvents(): void {
      for (const page of pages.keys()) page.destroy()
    },
    /** Sends an event as it stands, for what a server should not do. */
    push(threadId: string, event: ConsoleEvent): void {
      publish(threadId, event)
    },
    /** Says something outside of any reply, as an alert or a request for approval is said. */
    say(threadId: string, notice: Pick<Message, 'text'> & Partial<Pick<Message, 'attachments' | 'buttons'>>): void {
      const held = threads.get(threadId) ?? create(threadId, 'Alerts')
      const message = newMessage(held, { role: 'parley', turnId: null, ...notice })
      held.messages.push(message)
      publish(threadId, { type: 'message', message })
    },
    seed(thread: Partial<Thread> & { title: string }, messages: Partial<Message>[] = []): string {
      const held = create(thread.id ?? randomUUID(), thread.title)
      Object.assign(held.thread, thread)
      for (const message of messages) held.messages.push(newMessage(held, message))
      return held.thread.id
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  function create(id: string, title: string) {
    const thread = { id, title, updatedAt: new Date().toISOString(), busy: false }
    const held = { thread, messages: [] as Message[], status: null as TurnStatus | null }
    threads.set(id, held)
    return held
  }

  function newMessage(held: { thread: Thread; messages: Message[] }, given: Partial<Message>): Message {
    return {
      id: randomUUID(),
      threadId: held.thread.id,
      seq: held.messages.length + 1,
      role: 'user',
      text: '',
      state: given.role === 'parley' ? 'done' : 'sent',
      createdAt: new Date().toISOString(),
      turnId: randomUUID(),
      attachments: [],
      citations: [],
      buttons: [],
      receipt: null,
      feedback: null,
      ...given,
    }
  }

  function replyOf(turnId: string): Message | undefined {
    const all = [...threads.values()].flatMap((one) => one.messages)
    return all.find((message) => message.turnId === turnId && message.role === 'parley')
  }

  function publish(threadId: string, event: ConsoleEvent): void {
    const forAll = event.type === 'thread' || event.type === 'threadDeleted'
    for (const [page, following] of pages) if (forAll || following === threadId) writeEvent(page, event)
  }

  function startTurn(threadId: string, turnId: string, rewritten: Message | null): void {
    const held = threads.get(threadId)
    if (held === undefined) return
    const stop = Promise.withResolvers<void>()
    let reply = rewritten
    let thought = ''
    const show = (message: Message) => publish(threadId, { type: 'message', message: { ...message } })
    const setStatus = (status: TurnStatus | null) => {
      held.status = status
      publish(threadId, { type: 'status', status })
    }
    const setBusy = (busy: boolean) => {
      held.thread = { ...held.thread, busy, updatedAt: new Date().toISOString() }
      publish(threadId, { type: 'thread', thread: held.thread })
    }
    if (reply !== null) {
      Object.assign(reply, { turnId, text: '', state: 'streaming', citations: [], receipt: null, feedback: null })
      show(reply)
    }
    const turn: ScriptedTurn & { stop(): void } = {
      turnId,
      threadId,
      stopped: stop.promise,
      status: (text, state = 'reading') => setStatus({ threadId, turnId, state, text }),
      write(text) {
        if (reply === null) {
          reply = newMessage(held, { role: 'parley', state: 'streaming', turnId, text })
          held.messages.push(reply)
          show(reply)
          return
        }
        publish(threadId, { type: 'text', messageId: reply.id, offset: reply.text.length, text })
        reply.text += text
      },
      think(thoughts) {
        publish(threadId, { type: 'thoughts', turnId, offset: thought.length, text: thoughts })
        thought += thoughts
      },
      finish(end = {}) {
        if (reply === null) turn.write('')
        if (reply !== null) {
          Object.assign(reply, { state: 'done', receipt: receipt(), ...end })
          show(reply)
        }
        setStatus(null)
        setBusy(false)
      },
      stop() {
        turn.finish({ state: 'stopped' })
        stop.resolve()
      },
    }
    turns.set(turnId, turn)
    setBusy(true)
    setStatus({ threadId, turnId, state: 'queued', text: 'Waiting…' })
    const next = waiting.shift()
    if (next === undefined) started.push(turn)
    else next(turn)
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://page')
    const [, , kind = '', id = '', action = '', third = '', fourth = ''] = url.pathname.split('/')
    const called = `${request.method} /console/${kind}${action === '' || kind === 'files' ? '' : `/${action}`}`
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    if (!url.pathname.startsWith('/console/')) return servePage(url.pathname, response)
    if (!api.reachable) return void request.destroy()
    api.requests.push(called)
    if (called === 'PUT /console/uploads' && uploadGate !== null) await uploadGate
    const fault = faults.findIndex((one) => called.startsWith(one.request))
    const [refused] = fault < 0 ? [] : faults.splice(fault, 1)
    const body = request.method === 'GET' ? '' : await bytesOf(request)
    if (refused !== undefined) {
      return json(response, { error: { code: 'refused', userMessage: refused.userMessage } }, refused.status)
    }
    const answer = api.answers.get(`${request.method} ${url.pathname}`)
    if (answer !== undefined) return json(response, answer)
    switch (called) {
      case 'GET /console/status':
        return json(response, api.status)
      case 'GET /console/threads':
        return json(response, { threads: [...threads.values()].map((one) => one.thread).sort(newestFirst) })
      case 'DELETE /console/threads':
        threads.delete(id)
        publish(id, { type: 'threadDeleted', threadId: id })
        response.writeHead(204).end()
        return
      case 'PUT /console/uploads': {
        const upload: Upload = {
          uploadId: id,
          name: url.searchParams.get('name') ?? 'file',
          mediaType: request.headers['content-type'] ?? '',
          bytes: body.length,
        }
        uploads.set(id, upload)
        return json(response, upload)
      }
      case 'POST /console/threads/messages':
        return take(id, SendMessage.parse(JSON.parse(body.toString())), response)
      case 'POST /console/turns/stop':
        turns.get(id)?.stop()
        return json(response, { turnId: id })
      case 'POST /console/turns/regenerate':
      case 'POST /console/turns/cheaper':
      case 'POST /console/turns/better': {
        const turnId = randomUUID()
        const reply = replyOf(id)
        api.pressed.push(action)
        json(response, { turnId })
        if (reply !== undefined) startTurn(reply.threadId, turnId, reply)
        return
      }
      case 'POST /console/turns/why':
        api.pressed.push(action)
        return json(response, { notice: { text: api.why, private: true } })
      case 'POST /console/turns/good':
      case 'POST /console/turns/bad': {
        const { comment } = PressButton.parse(body.length === 0 ? {} : JSON.parse(body.toString()))
        api.pressed.push(comment === undefined ? action : `${action}: ${comment}`)
        const reply = replyOf(id)
        if (reply !== undefined) reply.feedback = action === 'good' ? 'good' : 'bad'
        return json(response, { notice: { text: comment === undefined ? 'Thank you.' : 'Noted, with your comment.' } })
      }
      case 'POST /console/threads/press': {
        const held = threads.get(id)
        api.pressed.push(PressAction.parse(JSON.parse(body.toString())).action)
        json(response, {})
        if (held !== undefined) api.say(held.thread.id, { text: 'Approved: the question is answered now.' })
        return
      }
      case 'GET /console/uploads':
        response.setHeader('content-type', 'image/png')
        response.end(await pagePicture(1, 400))
        return
      case 'GET /console/events': {
        const following = url.searchParams.get('thread')
        const known = threads.get(following ?? '')
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
        pages.set(response, following)
        response.on('close', () => pages.delete(response))
        writeEvent(response, {
          type: 'snapshot',
          thread: known?.thread ?? null,
          messages: known?.messages ?? [],
          status: known?.status ?? null,
        })
        return
      }
      case 'GET /console/files':
        if (action === 'page' && fourth === 'marks')
          return json(response, pageMarks(url.searchParams.get('quote') ?? ''))
        if (action === 'page') {
          const picture = await pagePicture(Number(third), Number(url.searchParams.get('width') ?? 800))
          return void response.setHeader('content-type', 'image/png').end(picture)
        }
        if (action === 'picture') {
          api.pictures.push(url.search)
          return void response.setHeader('content-type', 'image/png').end(await pagePicture(1, 400))
        }
        if (action === 'recording' && api.recording !== null)
          return sendRecording(response, api.recording, request.headers.range)
        return json(response, { ...textFrom(url.searchParams), play: api.recording?.kind })
      default:
        return json(response, { error: { code: 'unknown', userMessage: `no such call: ${called}` } }, 404)
    }
  }

  function take(threadId: string, sent: SendMessage, response: ServerResponse): void {
    const held = threads.get(threadId) ?? create(threadId, titleOf(sent.text))
    const known = held.messages.find((message) => message.id === sent.id)
    if (known !== undefined) {
      json(response, { message: known, turnId: known.turnId }, 202)
      return
    }
    const attachments = sent.uploads.flatMap((id) => {
      const upload = uploads.get(id)
      return upload === undefined ? [] : [{ ...upload, id }]
    })
    const turnId = randomUUID()
    const message = newMessage(held, { id: sent.id, text: sent.text, attachments, turnId })
    held.messages.push(message)
    api.sent.push(sent)
    publish(threadId, { type: 'message', message })
    json(response, { message, turnId }, 202)
    startTurn(threadId, turnId, null)
  }

  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return api
}

export const noAccounts: SessionState = {
  setUp: false,
  local: true,
  person: null,
  providers: [],
  minPasswordLength: 12,
  inviteOnly: true,
}

/** A receipt with every line filled. */
export function receipt(more: Partial<Receipt> = {}): Receipt {
  return {
    model: 'gpt-oss:20b',
    provider: 'ollama',
    reason: 'The local model is large enough for this question and costs nothing per token.',
    attachments: [],
    usage: { input: 1840, cacheRead: 1200, cacheWrite: 0, output: 412, reasoning: 96, source: 'provider' },
    costNanoUsd: '4200000',
    ms: { queued: 40, firstText: 1310, total: 6800 },
    attempts: 1,
    notices: [],
    ...more,
  }
}

const titleOf = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text || 'Files')
const newestFirst = (a: Thread, b: Thread) => b.updatedAt.localeCompare(a.updatedAt)
