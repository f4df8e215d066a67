/** What `parley doctor` looks at. Each check ends in a sentence that says what is so, or what to do. */

import { formatBytes } from '../core/bytes.ts'
import { type ConnectionReport, describeConnection } from '../core/connection.ts'
import { asParleyError } from '../core/errors.ts'
import type { Queue } from '../queue/queue.ts'
import { lookFromOutside } from './outside.ts'

export interface Check {
  name: string
  ok: boolean
  userMessage: string
}

export interface DoctorDeps {
  database(): Promise<string>
  queue: Queue
  models(): Promise<{ names: string[]; problems: string[] }>
  /** "ffmpeg 7.1". Throws `ffmpeg_missing`. */
  ffmpeg(): Promise<string>
  /** Whether somebody says where ffmpeg is: then it must be there. */
  ffmpegIsSet: boolean
  /** What hears recordings; `null` when nothing is configured. */
  transcriber: (() => Promise<string>) | null
  consoleUrl: string | null
  /** Of the platforms, where this process holds them. */
  connections: (ConnectionReport & { platform: string })[]
  publicUrl: string | undefined
  /** Of the disk that holds the files. */
  disk(): Promise<{ freeBytes: number; totalBytes: number; low: boolean }>
}

/** Older dead jobs are told, but are no reason for an alarm any more. */
const dayMs = 86_400_000

export async function examine(deps: DoctorDeps): Promise<Check[]> {
  const { database, queue, models, consoleUrl, publicUrl } = deps
  const checks = await Promise.all([
    attempt('database', async () => ({ ok: true, userMessage: await database() })),
    attempt('queue', async () => {
      const counts = Object.entries(await queue.counts())
      return {
        ok: true,
        userMessage: counts
          .map(([name, count]) => `${name}: ${count.waiting} waiting, ${count.active} active, ${count.delayed} delayed`)
          .join('; '),
      }
    }),
    attempt('dead letters', async () => {
      const dead = await queue.dead(5)
      if (dead.length === 0) return { ok: true, userMessage: 'no job has used up its attempts' }
      const fresh = dead.some((job) => Date.now() - job.failedAt.getTime() < dayMs)
      const lines = dead.map(
        (job) => `${job.id} (${job.failedAt.toISOString()}, ${job.attempts} attempts): ${job.reason}`,
      )
      return {
        ok: !fresh,
        userMessage: `jobs that used up their attempts, newest first; the log tells more:\n    ${lines.join('\n    ')}`,
      }
    }),
    attempt('models', async () => {
      const { names, problems } = await models()
      if (problems.length > 0) return { ok: false, userMessage: problems.join(' ') }
      if (names.length > 0) return { ok: true, userMessage: names.slice(0, 10).join(', ') }
      return {
        ok: true,
        userMessage:
          'none configured: answers are quotations. Set OPENAI_API_KEY, OPENAI_BASE_URL or ANTHROPIC_API_KEY, or run Ollama and set OLLAMA_HOST.',
      }
    }),
    attempt('disk', async () => {
      const { freeBytes, totalBytes, low } = await deps.disk()
      const free = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`
      return {
        ok: !low,
        userMessage: low
          ? `${free}: free some space soon. When the disk is full, no file can be taken in or read.`
          : free,
      }
    }),
    attempt('ffmpeg', async () => {
      const found = await deps.ffmpeg().catch(asParleyError)
      if (typeof found === 'string') return { ok: true, userMessage: found }
      const userMessage = `${found.userMessage} Until then videos are not looked at, and only short recordings can be heard.`
      return { ok: !deps.ffmpegIsSet, userMessage }
    }),
    attempt('transcription', async () => ({
      ok: true,
      userMessage:
        (await deps.transcriber?.()) ??
        'none configured: recordings are heard only where the platform brings a transcript. Set TRANSCRIBE_URL.',
    })),
    ...(publicUrl === undefined ? [] : [attempt('public address', () => lookFromOutside(publicUrl))]),
  ])
  const platforms = deps.connections.map(({ platform, name, state }) => ({
    name: `${platform} ${name}`,
    ok: state.is === 'connected',
    userMessage: describeConnection(state),
  }))
  return [...checks, ...platforms, { name: 'console', ok: true, userMessage: consoleUrl ?? 'not running' }]
}

async function attempt(name: string, check: () => Promise<Omit<Check, 'name'>>): Promise<Check> {
  try {
    return { name, ...(await check()) }
  } catch (error) {
    return { name, ok: false, userMessage: asParleyError(error).userMessage }
  }
}
