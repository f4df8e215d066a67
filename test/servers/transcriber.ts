/**
 * A transcription server on this machine: OpenAI's `/v1/audio/transcriptions` and whisper-asr-webservice's `/asr` around
 * whatever hears. It refuses what the real ones refuse.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'

export interface Transcribed {
  segments: { text: string; start: number; end: number }[]
  language?: string
  /** Seconds that could be decoded. */
  duration?: number
}

export interface ReceivedRequest {
  path: string
  name: string
  mediaType: string
  bytes: number
  fields: Record<string, string>
  authorization: string | undefined
}

export interface TranscriberOptions {
  transcribe(audio: Uint8Array, asked: ReceivedRequest): Promise<Transcribed>
  /** As models without times do. */
  refuseVerbose?: boolean
  key?: string
  /** Answers with this status instead, for as long as it gives one. */
  fail?(asked: ReceivedRequest): { status: number; headers?: Record<string, string> } | undefined
}

export interface TranscriberServer {
  /** Of OpenAI's dialect, with `/v1`. */
  url: string
  asrUrl: string
  asked: ReceivedRequest[]
  /** The most that was asked at the same time. */
  mostAtOnce(): number
  close(): Promise<void>
}

export async function startTranscriber(options: TranscriberOptions): Promise<TranscriberServer> {
  const asked: ReceivedRequest[] = []
  let open = 0
  let most = 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://here')
    const { authorization } = request.headers
    if (options.key !== undefined && authorization !== `Bearer ${options.key}`)
      return void send(401, { error: { message: 'Incorrect API key provided' } })
    if (pathname === '/v1/models')
      return void send(200, { object: 'list', data: [{ id: 'whisper-1', object: 'model' }] })
    const openai = pathname === '/v1/audio/transcriptions'
    if (!openai && pathname !== '/asr') return void send(pathname === '/' ? 200 : 404, { detail: 'Not Found' })
    const body = new Uint8Array(await buffer(request))
    const headers = { 'content-type': request.headers['content-type'] ?? '' }
    const form = await new Response(body, { headers }).formData()
    const file = form.get(openai ? 'file' : 'audio_file')
    if (!(file instanceof File)) return void send(422, { detail: 'a file is required' })
    const fields = Object.fromEntries(
      [...form, ...searchParams].flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
    )
    const one = { path: pathname, name: file.name, mediaType: file.type, bytes: file.size, fields, authorization }
    asked.push(one)
    const failure = options.fail?.(one)
    if (failure) return void send(failure.status, { error: { message: 'no' } }, failure.headers)
    const verbose = fields.response_format === 'verbose_json'
    if (openai && verbose && options.refuseVerbose)
      return void send(400, {
        error: {
          message: "response_format 'verbose_json' is not compatible with this model",
          param: 'response_format',
        },
      })
    const transcription = await options.transcribe(new Uint8Array(await file.arrayBuffer()), one)
    const text = transcription.segments.map((segment) => segment.text).join(' ')
    if (openai && !verbose) return void send(200, { text })
    send(200, { task: 'transcribe', text, ...transcription })
  }

  const server = createServer((request, response) => {
    open += 1
    most = Math.max(most, open)
    response.once('close', () => {
      open -= 1
    })
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asrUrl: `http://127.0.0.1:${port}/asr`,
    asked,
    mostAtOnce: () => most,
    async close() {
      server.closeAllConnections()
      server.close()
      if (server.listening) await once(server, 'close')
    },
  }
}

const run = promisify(execFile)

/** Hears English by pocketsphinx; ffmpeg decodes, as in the real servers. */
export async function pocketsphinxTranscribes(audio: Uint8Array): Promise<Transcribed> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-hear-'))
  try {
    const [input, wav] = [join(folder, 'input'), join(folder, 'input.wav')]
    await writeFile(input, audio)
    await run('ffmpeg', ['-v', 'error', '-nostdin', '-i', input, '-ac', '1', '-ar', '16000', wav])
    const { stdout } = await run('pocketsphinx_continuous', ['-infile', wav, '-time', 'yes', '-logfn', '/dev/null'])
    const probed = await run('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', wav])
    return { segments: utterances(stdout), language: 'en', duration: Number(probed.stdout) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Lines such as `cellar 0.700 1.060 0.668348`, between `<s>` and `</s>`. */
function utterances(output: string): Transcribed['segments'] {
  const segments: Transcribed['segments'] = []
  let words: { word: string; start: number; end: number }[] = []
  for (const line of output.split('\n')) {
    const [, word, start, end] = /^(\S+) ([\d.]+) ([\d.]+) [\d.]+$/.exec(line) ?? []
    if (word === undefined) continue
    if (!/^[<[]/.test(word)) words.push({ word: word.replace(/\(\d+\)$/, ''), start: Number(start), end: Number(end) })
    if (word !== '</s>') continue
    const [first, last] = [words[0], words.at(-1)]
    if (first && last)
      segments.push({ text: words.map((each) => each.word).join(' '), start: first.start, end: last.end })
    words = []
  }
  return segments
}
