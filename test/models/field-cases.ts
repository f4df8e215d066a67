/** Answers of model servers as they were met in the field, played byte by byte to a provider; time passes at once. */
import { existsSync, readFileSync } from 'node:fs'
import { vi } from 'vitest'
import { asParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Usage } from '../../src/core/reply.ts'
import type { ModelEvent, ModelProvider, ModelRequest } from '../../src/models/model.ts'
import { createOpenAiProvider } from '../../src/models/providers/openai.ts'
import type { ProviderOptions } from '../../src/models/providers/stream-answer.ts'

export interface FieldCase {
  status?: number
  contentType?: string | null
  pieces: readonly { afterMs?: number; text: string }[]
  phrases?: readonly { provider: string; message: string }[]
}

const folder = new URL('../../../shared/cases/models/', import.meta.url)

/** Cases of others; they are not part of the project. */
export const fieldCasesMissing = existsSync(folder) ? '' : ' (skipped: no cases in ../shared/cases/models)'
export const fieldCase = (name: string): FieldCase => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))

export const fieldRequest: ModelRequest = {
  model: 'field',
  system: 'Be brief.',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'What is the notice period?' }] }],
  maxOutputTokens: 4_096,
}

/** One chunk of Chat Completions as an event. */
export function event(delta: object, finish: string | null = null, more: object = {}): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`
}

export const said = (...words: string[]) => words.map((content) => event({ content })).join('')
export const stop = event({}, 'stop')
export const done = 'data: [DONE]\n\n'

export interface Played {
  text: string
  reasoning: string
  finish: string | undefined
  usage: Usage | undefined
  error: string | undefined
  requests: { max_tokens?: number }[]
}

type Create = (options: ProviderOptions & { baseUrl: string }) => ModelProvider

/** What a provider makes of the cases, one for each request; the last one answers all that follow. */
export async function playCases(
  cases: readonly FieldCase[],
  { create = createOpenAiProvider, times = 1 }: { create?: Create; times?: number } = {},
): Promise<Played> {
  vi.useFakeTimers()
  try {
    const requests: Played['requests'] = []
    const provider = create({
      name: 'field',
      baseUrl: 'http://field.test/v1',
      log: silentLog,
      async fetch(_input, init) {
        requests.push(JSON.parse(String(init?.body ?? '{}')))
        return responseOf(cases[Math.min(requests.length, cases.length) - 1] ?? { pieces: [] })
      },
    })
    for (let time = 1; ; time += 1) {
      const playing = collect(provider)
      let over = false
      playing.finally(() => (over = true)).catch(() => {})
      while (!over) await vi.advanceTimersByTimeAsync(500)
      if (time >= times) return { ...(await playing), requests }
    }
  } finally {
    vi.useRealTimers()
  }
}

function responseOf({ status = 200, contentType = 'text/event-stream', pieces }: FieldCase): Response {
  const timers: NodeJS.Timeout[] = []
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      let at = 0
      for (const { afterMs = 0, text } of pieces) {
        at += afterMs
        timers.push(setTimeout(() => controller.enqueue(new TextEncoder().encode(text)), at))
      }
      timers.push(setTimeout(() => controller.close(), at))
    },
    cancel: () => timers.forEach(clearTimeout),
  })
  return new Response(body, { status, headers: contentType === null ? {} : { 'content-type': contentType } })
}

async function collect(provider: ModelProvider): Promise<Omit<Played, 'requests'>> {
  const events: ModelEvent[] = []
  let error: string | undefined
  try {
    for await (const each of provider.stream(fieldRequest, new AbortController().signal)) events.push(each)
  } catch (thrown) {
    error = asParleyError(thrown).code
  }
  let text = ''
  let reasoning = ''
  for (const each of events) {
    if (each.type === 'text') text += each.delta
    if (each.type === 'reasoning') reasoning += each.delta
    if (each.type === 'thoughtSoFar') {
      reasoning += text
      text = ''
    }
  }
  const end = events.at(-1)
  return {
    text,
    reasoning,
    finish: end?.type === 'finish' ? end.reason : undefined,
    usage: events.findLast((each) => each.type === 'usage')?.usage,
    error,
  }
}
