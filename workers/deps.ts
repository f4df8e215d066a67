/** What the workers need of the rest of Parley, by subject: the composition root opens each, test/worker-rig.ts has one for tests. */
import type { AnswerDeps } from '../src/answer/deps.ts'
import type { Blobs } from '../src/core/blobs.ts'
import type { Log } from '../src/core/log.ts'
import type { Platform } from '../src/core/platform.ts'
import type { Spender } from '../src/core/scope.ts'
import type { Alerts } from '../src/intake/alerts.ts'
import type { ApprovalRequests } from '../src/intake/approvals.ts'
import type { Stops } from '../src/intake/stop.ts'
import type { TurnLimits } from '../src/intake/turn-limits.ts'
import type { Reader } from '../src/media/reader.ts'
import type { Paying } from '../src/media/transcriber.ts'
import type { Queue } from '../src/queue/queue.ts'
import type { Progress } from '../src/reply/progress.ts'
import type { PassageIndex } from '../src/search/passages.ts'
import type { Attachments } from '../src/store/attachments.ts'
import type { LearnedSources } from '../src/store/learned-sources.ts'
import type { Turns } from '../src/store/turns.ts'
import type { PageReader } from '../src/web/page-reader.ts'
import type { Sites } from '../src/web/site.ts'
import type { Isolation } from './isolation.ts'

/** Rows, files and what can be found in them. */
export interface Storage {
  turns: Turns
  attachments: Attachments
  learned: LearnedSources
  blobs: Blobs
  index: PassageIndex
  /** The bytes of a stored picture, or null when they are gone. */
  picture(contentHash: string): Promise<Uint8Array | null>
}

/** Between processes, and to the people in their chats. */
export interface Messaging {
  queue: Queue
  stops: Stops
  platform(name: string): Platform
  progress: Progress
  alerts: Alerts
}

/** What may be spent, how often may be asked, and who is asked to let more pass. */
export interface Money {
  budget: AnswerDeps['money']['budget']
  turnLimits: TurnLimits
  approvals: ApprovalRequests
  /** What pays for hearing the recordings of a turn, or of what is read without one. */
  paying(spender: Spender, turnId: string | undefined): Paying
}

export interface WorkerDeps {
  storage: Storage
  messaging: Messaging
  money: Money
  models: AnswerDeps['models']
  retriever: AnswerDeps['retriever']
  memory: AnswerDeps['memory']
  web: AnswerDeps['web']
  tools: AnswerDeps['tools']
  writes: AnswerDeps['writes']
  /** How pages and sites are read that Parley was told to know. */
  learning: { pages: Pick<PageReader, 'fetch' | 'take'>; sites: Sites }
  reader: Reader
  /** Files that can be read at once. */
  readers: number
  rules: AnswerDeps['rules']
  limits: AnswerDeps['limits'] & { fileBytes: number }
  isolation: Isolation
  /** This process, in leases. */
  owner: string
  log: Log
}
