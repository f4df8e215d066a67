/** The checks of `parley doctor`. Each one reports a result or says how to fix the problem. */

import { z } from 'zod'
import { formatBytes } from '../core/blobs.ts'
import { type ConnectionReport, describeConnection } from '../core/connection.ts'
import { asParleyError } from '../core/errors.ts'
import type { Queue } from '../queue/queue.ts'
import { doctorWording } from '../wording/terminal.ts'

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
  /** FFMPEG_PATH is set, so ffmpeg must be there. */
  ffmpegIsSet: boolean
  /** The transcription server; `null` if none is configured. */
  transcriber: (() => Promise<string>) | null
  consoleUrl: string | null
  /** Platform connections that this process holds. */
  connections: (ConnectionReport & { platform: string })[]
  publicUrl: string | undefined
  /** The disk that stores files. */
  disk(): Promise<{ freeBytes: number; totalBytes: number; low: boolean }>
}

/** Jobs that failed earlier are listed, but do not fail the check. */
const dayMs = 86_400_000

export async function examine(deps: DoctorDeps): Promise<Check[]> {
  const { database, queue, models, consoleUrl, publicUrl } = deps
  const { check: checks } = doctorWording
  const done = await Promise.all([
    attempt(checks.database, async () => ({ ok: true, userMessage: await database() })),
    attempt(checks.queue, async () => {
      const counts = Object.entries(await queue.counts())
      return { ok: true, userMessage: doctorWording.queue(counts.map(([name, count]) => ({ name, ...count }))) }
    }),
    attempt(checks.failedJobs, async () => {
      const dead = await queue.dead(5)
      if (dead.length === 0) return { ok: true, userMessage: doctorWording.noFailedJobs }
      const fresh = dead.some((job) => Date.now() - job.failedAt.getTime() < dayMs)
      const jobs = dead.map(({ failedAt, ...job }) => ({ ...job, at: failedAt.toISOString() }))
      return { ok: !fresh, userMessage: doctorWording.failedJobs(jobs) }
    }),
    attempt(checks.models, async () => {
      const { names, problems } = await models()
      if (problems.length > 0) return { ok: false, userMessage: problems.join(' ') }
      if (names.length > 0) return { ok: true, userMessage: names.slice(0, 10).join(', ') }
      return { ok: true, userMessage: doctorWording.noModels }
    }),
    attempt(checks.disk, async () => {
      const { freeBytes, totalBytes, low } = await deps.disk()
      const describe = low ? doctorWording.diskLow : doctorWording.disk
      return { ok: !low, userMessage: describe(formatBytes(freeBytes), formatBytes(totalBytes)) }
    }),
    attempt(checks.ffmpeg, async () => {
      const found = await deps.ffmpeg().catch(asParleyError)
      if (typeof found === 'string') return { ok: true, userMessage: found }
      return { ok: !deps.ffmpegIsSet, userMessage: doctorWording.ffmpegMissing(found.userMessage) }
    }),
    attempt(checks.transcription, async () => ({
      ok: true,
      userMessage: (await deps.transcriber?.()) ?? doctorWording.noTranscription,
    })),
    ...(publicUrl === undefined ? [] : [attempt(checks.publicAddress, () => lookFromOutside(publicUrl))]),
  ])
  const platforms = deps.connections.map(({ platform, name, state }) => ({
    name: `${platform} ${name}`,
    ok: state.is === 'connected',
    userMessage: describeConnection(state),
  }))
  return [
    ...done,
    ...platforms,
    { name: checks.console, ok: true, userMessage: consoleUrl ?? doctorWording.consoleStopped },
  ]
}

async function attempt(name: string, check: () => Promise<Omit<Check, 'name'>>): Promise<Check> {
  try {
    return { name, ...(await check()) }
  } catch (error) {
    return { name, ok: false, userMessage: asParleyError(error).userMessage }
  }
}

const Status = z.object({ version: z.string(), models: z.array(z.string()), limits: z.object({}) })
const Refused = z.object({ error: z.object({ code: z.enum(['request_forbidden', 'credentials_missing']) }) })

/** Sends requests without credentials, as a stranger would. */
async function lookFromOutside(publicUrl: string): Promise<{ ok: boolean; userMessage: string }> {
  const answers = await Promise.all(['/', '/console/status'].map((path) => ask(new URL(path, publicUrl))))
  const [page, status] = answers
  if (page === null && status === null) return { ok: true, userMessage: doctorWording.publicUnreachable(publicUrl) }
  const open = page?.text.includes('<title>Parley</title>') || Status.safeParse(status?.json).success
  if (open) return { ok: false, userMessage: doctorWording.publicOpen(publicUrl) }
  const refused = answers.some((answer) => Refused.safeParse(answer?.json).success)
  if (refused) return { ok: true, userMessage: doctorWording.publicRefused(publicUrl) }
  return { ok: true, userMessage: doctorWording.publicClosed(publicUrl) }
}

async function ask(url: URL): Promise<{ text: string; json: unknown } | null> {
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000) })
    const text = (await answer.text()).slice(0, 100_000)
    // A server error says nothing about the page.
    if (answer.status >= 500) return null
    return { text: answer.ok ? text : '', json: parse(text) }
  } catch {
    return null
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
