/** The models that an Ollama server keeps: list, show, pull with progress, delete. */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { pullWording } from '../../wording/models.ts'
import type { LocalModelDetails, LocalModels, PullProgress } from '../local-models.ts'
import { parseJson } from './chunk.ts'
import { createWatch, readEvents } from './http.ts'
import { connectOllama, modelInfo, Show, Tags } from './ollama-client.ts'
import { readLines } from './server-events.ts'
import { askOnce, createWire, type ProviderOptions, translate } from './stream-answer.ts'

const DAY_MS = 86_400_000
/** A server that checks the sum of a large download is silent for minutes. */
const PULL_IDLE_MS = 600_000

const Line = z.object({
  status: z.string().catch(''),
  digest: z.string().nullish().catch(undefined),
  total: z.number().nonnegative().nullish().catch(undefined),
  completed: z.number().nonnegative().nullish().catch(undefined),
  error: z.string().nullish().catch(undefined),
})

export function createOllamaModels(options: ProviderOptions & { baseUrl: string }): LocalModels {
  const { name, timers } = options
  const wire = createWire(options, 'Ollama’s API')
  const connect = connectOllama(options.baseUrl, options.fetch)

  async function* pull(id: string, signal: AbortSignal): AsyncGenerator<PullProgress> {
    using watch = createWatch(signal, timers?.totalMs ?? DAY_MS)
    const idleMs = timers?.idleMs ?? PULL_IDLE_MS
    const progress = createProgress()
    try {
      signal.throwIfAborted()
      const client = connect(watch.signal)
      await watch.during(client.sdk.pull({ model: id, stream: true }), 'connect', wire.timers.connectMs)
      for await (const line of readEvents(client.response(), watch, { events: readLines, idleMs })) {
        const told = progress.take(line)
        if (told instanceof Error) throw told
        if (told) yield told
        if (told?.done) return
      }
      throw new TypeError('the stream ended before the model was there')
    } catch (thrown) {
      if (signal.aborted) return
      throw pullError(id, name, thrown instanceof PullRefused ? thrown : translate(wire, thrown, watch, id))
    }
  }

  return {
    provider: name,
    pull,
    list: (signal) =>
      askOnce(wire, signal, async (watch) => {
        const { models } = Tags.parse(await connect(watch.signal).sdk.list())
        return models.map(({ name: id, size: bytes, modified_at, details }) => ({
          id,
          bytes,
          modifiedAt: modified_at ?? null,
          parameters: details?.parameter_size ? details.parameter_size : undefined,
          quantization: details?.quantization_level ? details.quantization_level : undefined,
        }))
      }),
    show: (id, signal) =>
      askOnce(
        wire,
        signal,
        async (watch) => details(id, Show.parse(await connect(watch.signal).sdk.show({ model: id }))),
        id,
      ),
    delete: (id, signal) =>
      askOnce(wire, signal, async (watch) => void (await connect(watch.signal).sdk.delete({ model: id })), id),
  }
}

function details(id: string, show: Show): LocalModelDetails {
  const { family, parameter_size, quantization_level } = show.details ?? {}
  const license = show.license?.trim().split('\n').slice(0, 3).join('\n').slice(0, 300)
  return {
    id,
    info: modelInfo(id, show) ?? { id },
    family: family ? family : undefined,
    parameters: parameter_size ? parameter_size : undefined,
    quantization: quantization_level ? quantization_level : undefined,
    license: license ? license : undefined,
  }
}

class PullRefused extends Error {}

/** Adds the parts of a download up, and tells only what is news: another step, or another percent. */
function createProgress() {
  const parts = new Map<string, { completed: number; total: number }>()
  let last = ''
  return {
    take(line: string): PullProgress | PullRefused | undefined {
      const read = Line.safeParse(parseJson(line)).data
      if (read === undefined) return undefined
      if (read.error) return new PullRefused(read.error)
      if (read.digest && read.total) {
        parts.set(read.digest, { completed: Math.min(read.completed ?? 0, read.total), total: read.total })
      }
      const sum = (key: 'completed' | 'total') => [...parts.values()].reduce((all, part) => all + part[key], 0)
      const told = {
        status: read.status,
        completed: sum('completed'),
        total: sum('total'),
        done: read.status === 'success',
      }
      const percent = told.total === 0 ? 0 : Math.floor((told.completed / told.total) * 100)
      const news = `${told.status} ${percent}`
      if (news === last) return undefined
      last = news
      return told
    },
  }
}

function pullError(id: string, provider: string, error: PullRefused | ParleyError): ParleyError {
  if (error instanceof ParleyError) return error
  if (/file does not exist|not found|invalid model name/i.test(error.message)) {
    return new ParleyError('model_rejected_request', pullWording.unknown(provider, id), { cause: error })
  }
  return new ParleyError('model_unreachable', pullWording.failed(provider, id), { cause: error })
}
