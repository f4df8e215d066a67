/** The checks of `parley doctor`. Each one reports a result or says how to fix the problem. */

import { z } from 'zod'
import { formatBytes } from '../core/blobs.ts'
import { type ConnectionReport, describeConnection } from '../core/connection.ts'
import { asParleyError } from '../core/errors.ts'
import type { Queue } from '../queue/queue.ts'
import { doctorWording } from '../wording/terminal.ts'
import { isLocalName } from './this-machine.ts'

export interface Check {
  name: string
  ok: boolean
  userMessage: string
}

export interface DoctorDeps {
  database(): Promise<string>
  /** How many people can sign in, and what keeps them from it. */
  accounts(): Promise<Omit<Check, 'name'>>
  queue: Queue
  /** Whether the mail server takes mail; `null` if none is set. */
  mail: (() => Promise<string>) | null
  models(): Promise<{ names: string[]; problems: string[] }>
  /** "ffmpeg 7.1". Throws `ffmpeg_missing`. */
  ffmpeg(): Promise<string>
  /** FFMPEG_PATH is set, so ffmpeg must be there. */
  ffmpegIsSet: boolean
  /** The search engine for the web: a sentence. `null` if none is configured. */
  search: (() => Promise<string>) | null
  /** The transcription server; `null` if none is configured. */
  transcriber: (() => Promise<string>) | null
  /** How files are searched. */
  fileSearch(): Promise<Omit<Check, 'name'>>
  /** Programs outside that are told of events. */
  webhooks(): Promise<Omit<Check, 'name'>>
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
  const { database, queue, mail, models, consoleUrl, publicUrl } = deps
  const { check: checks } = doctorWording
  const done = await Promise.all([
    attempt(checks.database, async () => ({ ok: true, userMessage: await database() })),
    attempt(checks.accounts, deps.accounts),
    ...(mail === null ? [] : [attempt(checks.mail, async () => ({ ok: true, userMessage: await mail() }))]),
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
    attempt(checks.search, async () => ({ ok: true, userMessage: (await deps.search?.()) ?? doctorWording.noSearch })),
    attempt(checks.fileSearch, deps.fileSearch),
    attempt(checks.webhooks, deps.webhooks),
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
const Session = z.object({ setUp: z.boolean(), person: z.null() })
const Refused = z.object({ error: z.object({ code: z.enum(['request_forbidden', 'credentials_missing']) }) })

/** Sends requests without credentials, as a stranger would. */
async function lookFromOutside(publicUrl: string): Promise<{ ok: boolean; userMessage: string }> {
  const answers = await Promise.all(
    ['/console/session', '/console/status'].map((path) => ask(new URL(path, publicUrl))),
  )
  const [session, status] = answers
  if (session === null && status === null) return { ok: true, userMessage: doctorWording.publicUnreachable(publicUrl) }
  if (Status.safeParse(status?.json).success) return { ok: false, userMessage: doctorWording.publicOpen(publicUrl) }
  const { data } = Session.safeParse(session?.json)
  const { protocol, hostname } = new URL(publicUrl)
  if (data !== undefined && protocol === 'http:' && !isLocalName(hostname))
    return { ok: false, userMessage: doctorWording.publicPlain(publicUrl) }
  if (data !== undefined)
    return {
      ok: true,
      userMessage: data.setUp ? doctorWording.publicSignIn(publicUrl) : doctorWording.publicNew(publicUrl),
    }
  const refused = answers.some((answer) => Refused.safeParse(answer?.json).success)
  if (refused) return { ok: true, userMessage: doctorWording.publicRefused(publicUrl) }
  return { ok: true, userMessage: doctorWording.publicClosed(publicUrl) }
}

async function ask(url: URL): Promise<{ json: unknown } | null> {
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000) })
    const text = (await answer.text()).slice(0, 100_000)
    // A server error says nothing about the page.
    if (answer.status >= 500) return null
    return { json: parse(text) }
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
