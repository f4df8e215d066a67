/**
 * A server for embeddings on this machine with the documented answers of OpenAI's API or of Ollama. What it knows of meaning is how many
 * pairs and triples of letters two texts have in common, and which words `sameMeaning` was told to be one.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

export type EmbeddingDialect = 'openai' | 'ollama'

export interface EmbeddingsServer extends AsyncDisposable {
  /** As EMBEDDINGS_URL or OLLAMA_HOST. */
  url: string
  asked: { model: string; texts: string[]; authorization: string | undefined }[]
  /** Models it has, and how wide their vectors are. */
  models: Map<string, number>
  /** Answers requests for vectors with this, until it is told `undefined`. */
  answers(answer: { status: number; headers?: Record<string, string>; body?: string } | undefined): void
  /** Changes the vectors before they are sent. */
  changes(change: (vectors: number[][]) => unknown[]): void
  /** Refuses texts that it takes to be too long. */
  refuses(which: (texts: string[]) => boolean): void
  hangs(hanging: boolean): void
  /** The next request for vectors has come. */
  reached(): Promise<void>
  close(): Promise<void>
}

const Request = z.object({ model: z.string(), input: z.union([z.string(), z.array(z.string())]) })

export async function startEmbeddings(
  dialect: EmbeddingDialect,
  { key, sameMeaning = {} }: { key?: string; sameMeaning?: Record<string, string> } = {},
): Promise<EmbeddingsServer> {
  const asked: EmbeddingsServer['asked'] = []
  const models = new Map([['embed-small', 256]])
  let fixed: Parameters<EmbeddingsServer['answers']>[0]
  let change: (vectors: number[][]) => unknown[] = (vectors) => vectors
  let refused: (texts: string[]) => boolean = () => false
  let hanging = false
  let reached = Promise.withResolvers<void>()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const send = (status: number, value: unknown, headers = {}) =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
    const { authorization } = request.headers
    if (key !== undefined && authorization !== `Bearer ${key}`)
      return send(401, {
        error: { message: 'Incorrect API key provided', type: 'invalid_request_error', code: 'invalid_api_key' },
      })
    const { pathname } = new URL(request.url ?? '/', 'http://here')
    if (pathname === '/v1/models') {
      const data = [...models.keys()].map((id) => ({ id, object: 'model', created: 1_760_000_000, owned_by: 'here' }))
      return send(200, { object: 'list', data })
    }
    if (pathname === '/api/tags')
      return send(200, { models: [...models.keys()].map((name) => ({ name, model: name, size: 1 })) })
    if (pathname === '/api/show') return send(200, { capabilities: ['embedding'], details: {}, model_info: {} })
    if (pathname !== (dialect === 'openai' ? '/v1/embeddings' : '/api/embed')) return send(404, { error: 'not found' })
    const { model, input } = Request.parse(JSON.parse(body))
    const texts = typeof input === 'string' ? [input] : input
    asked.push({ model, texts, authorization })
    reached.resolve()
    reached = Promise.withResolvers<void>()
    if (hanging) return
    if (fixed !== undefined) {
      const type = fixed.body?.startsWith('<') ? 'text/html; charset=utf-8' : 'application/json'
      return void response.writeHead(fixed.status, { 'content-type': type, ...fixed.headers }).end(fixed.body ?? '{}')
    }
    if (refused(texts))
      return send(413, {
        error: 'Input validation error: `inputs` must have less than 512 tokens',
        error_type: 'Validation',
      })
    const width = models.get(model)
    if (width === undefined) {
      const message = `model "${model}" not found`
      return send(
        404,
        dialect === 'openai'
          ? { error: { message, type: 'invalid_request_error', code: 'model_not_found' } }
          : { error: message },
      )
    }
    const vectors = change(texts.map((each) => hashedVector(each, width, `${model} ${width}`, sameMeaning)))
    const tokens = texts.reduce((sum, each) => sum + Math.ceil(each.length / 4), 0)
    if (dialect === 'openai')
      send(200, {
        object: 'list',
        // Some servers answer out of order.
        data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })).reverse(),
        model,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      })
    else
      send(200, {
        model,
        embeddings: vectors,
        total_duration: 14_143_917,
        load_duration: 1_019_500,
        prompt_eval_count: tokens,
      })
  }

  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${dialect === 'openai' ? '/v1' : ''}`,
    asked,
    models,
    answers: (answer) => {
      fixed = answer
    },
    changes: (next) => {
      change = next
    },
    refuses: (which) => {
      refused = which
    },
    hangs: (now) => {
      hanging = now
    },
    reached: () => reached.promise,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Two `seed`s give vectors that have nothing in common. */
export function hashedVector(
  content: string,
  width: number,
  seed = '',
  sameMeaning: Record<string, string> = {},
): number[] {
  const counts = new Map<string, number>()
  const words = content
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? ['']
  for (const word of words) {
    const letters = Array.from(` ${sameMeaning[word] ?? word} `)
    for (const size of [2, 3])
      for (let at = 0; at + size <= letters.length; at += 1) {
        const gram = letters.slice(at, at + size).join('')
        counts.set(gram, (counts.get(gram) ?? 0) + 1)
      }
  }
  const vector = new Array<number>(width).fill(0)
  for (const [gram, count] of counts) {
    const hash = hashOf(`${seed}\n${gram}`)
    const at = hash % width
    vector[at] = (vector[at] ?? 0) + ((hash >>> 20) % 2 === 0 ? 1 : -1) * (1 + Math.log(count))
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => value / length)
}

const hashes = new Map<string, number>()
function hashOf(gram: string): number {
  const known = hashes.get(gram)
  if (known !== undefined) return known
  const hash = createHash('md5').update(gram).digest().readUInt32LE(0)
  if (hashes.size > 500_000) hashes.clear()
  hashes.set(gram, hash)
  return hash
}
