/** The endpoint on a port, with the worker's side played by a script. For tests. */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { OpenAI } from 'openai'
import type { Ended, Topics } from '../../adapters/api/answer-events.ts'
import type { ListenerDeps } from '../../adapters/api/listener.ts'
import { createApi } from '../../adapters/api/platform.ts'
import type { ActiveKey } from '../../src/core/api-key.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { IncomingMessage } from '../../src/core/message.ts'
import type { Intake, OutgoingMessage } from '../../src/core/platform.ts'
import type { Receipt } from '../../src/core/reply.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { pictureEgressWording } from '../../src/wording/requests.ts'
import { fakeIntake } from '../fakes/intake.ts'
import { receipt } from '../fakes/receipt.ts'
import { citation } from '../fakes/source.ts'
import { serveMounts } from './mounts.ts'

export const turnId = '6f1c8f6e-7d53-4d0e-9a5a-3a3a52f7c001'
export const secret = 'parley-test-secret-1234'
const rigKey: ActiveKey = { id: 'key-1', name: 'CI', ownerId: 'owner-1', scopes: ['ask', 'usage:read', 'admin'] }
const ends: (() => Promise<void>)[] = []
export async function endAll(): Promise<void> {
  for (const end of ends.splice(0)) await end()
}

/** Plays the worker: what each question is answered with, piece by piece. */
export type Script = (write: Writer, message: IncomingMessage) => Promise<void> | void
export interface Writer {
  text(text: string, model?: string): Promise<void>
  status(text: string): Promise<void>
  think(thoughts: string): Promise<void>
  end(ended: Partial<Ended> & { text: string }, more?: Partial<Receipt>): Promise<void>
}

export async function setUp(
  script: Script,
  options: {
    intake?: Partial<Intake>
    topics?: (topics: Topics) => Topics
    files?: number
    deps?: Partial<ListenerDeps>
  } = {},
) {
  const channel = createLocalChannel()
  const topics = options.topics?.(channel) ?? channel
  const stored = new Map<string, Ended>()
  const received: IncomingMessage[] = []
  const contents = new Map<string, Buffer>()
  /** Each message has a turn of its own; the first has `turnId`. */
  const turns: string[] = []
  const turnOf = (id: string) => {
    if (!turns.includes(id)) turns.push(id)
    return turns.indexOf(id) === 0 ? turnId : `${turnId.slice(0, -2)}${String(turns.indexOf(id)).padStart(2, '9')}`
  }
  const api = createApi({
    topics,
    files: { fetch: async () => Readable.from([]) },
    blobs: {
      async put(content) {
        const bytes = await buffer(content)
        const hash = `hash-${contents.size}`
        contents.set(hash, bytes)
        return { hash, bytes: bytes.length, [Symbol.asyncDispose]: async () => {} }
      },
    },
    models: async () => [{ id: 'scripted', provider: 'openai' }],
    checkModel: async (name) => {
      if (name !== 'scripted') throw new ParleyError('model_unknown', `No model is called ${name}. Try scripted.`)
    },
    fetchPicture: async () => {
      throw new ParleyError('file_fetch_failed', pictureEgressWording.unreachable)
    },
    digestOf: async () => received.at(0)?.program?.digest ?? null,
    rate: async () => undefined,
    isActive: async () => true,
    tokens: { seconds: 900, issue: async () => 'a.b.c', publicKeys: async () => ({ keys: [] }) },
    usageOf: async () => {
      throw new Error('not used here')
    },
    origins: [],
    embeddings: undefined,
    transcriber: undefined,
    ended: async (turn) => stored.get(turn) ?? null,
    limits: { files: options.files ?? 10, fileBytes: 2_000_000, textChars: 10_000 },
    lookEveryMs: 200,
    version: '0',
    ...options.deps,
  })
  const listener = api.listen(
    fakeIntake({
      async receive(message) {
        received.push(message)
        const turnId = turnOf(message.id)
        const target = message.replyTarget
        const signal = new AbortController().signal
        const post = (outgoing: Pick<OutgoingMessage, 'text' | 'citations'> & Partial<OutgoingMessage>) =>
          api.transport.post(target, { turnId, phase: 'streaming', ...outgoing }, { key: 'k', signal })
        const writer: Writer = {
          text: async (text, model) => void (await post({ text, citations: [], model })),
          think: async (thoughts) => void (await api.transport.think?.(target, turnId, thoughts)),
          status: (text) => api.transport.status(target, turnId, text, 'reading'),
          async end({ text, citations = [], state = 'done' }, more = {}) {
            const ended = { text, citations, state, receipt: { ...receipt, finish: 'stop', ...more } }
            stored.set(turnId, ended)
            const end = { state: ended.state, receipt: ended.receipt }
            await post({ text, citations, phase: 'final', end })
          },
        }
        setImmediate(() => void script(writer, message))
        return {
          turnId,
          kind: received.some(({ id }, at) => id === message.id && at < received.length - 1) ? 'duplicate' : 'new',
        }
      },
      ...options.intake,
    }),
  )
  const http = await serveMounts(listener.mounts, {
    findKey: async (given) => (given === secret ? rigKey : null),
  })
  const { url } = http
  ends.push(async () => {
    await http.close()
    await listener.stop()
    await channel.close()
  })
  const client = (apiKey = secret) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${secret}`, ...headers } })
  return { url, topics: channel, client: client(), clientWith: client, received, contents, post, get }
}

export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

export const question = {
  model: 'parley',
  messages: [{ role: 'user' as const, content: 'How long is the notice period?' }],
}
export const used = {
  input: 1200,
  cacheRead: 1000,
  cacheWrite: 0,
  output: 12,
  reasoning: 3,
  source: 'provider' as const,
}
export const cited = citation(1, 'contract.pdf')

export const answers: Script = async (write) => {
  await write.text('Thirty')
  await write.text('Thirty days')
  await write.end({ text: 'Thirty days [1].', citations: [cited] }, { model: 'scripted', usage: used })
}
