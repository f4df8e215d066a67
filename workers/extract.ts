/** Reads one attachment: fetch → what is it → read (or take from the cache) → artifact, found by its passages → receipt. */

import { randomUUID } from 'node:crypto'
import { type Artifact, clock } from '../src/core/artifact.ts'
import { asParleyError, errorFields, ParleyError } from '../src/core/errors.ts'
import type { Log } from '../src/core/log.ts'
import type { AttachmentReceipt } from '../src/core/reply.ts'
import { createGate } from '../src/media/gate.ts'
import type { Reader, ReadProgress } from '../src/media/reader.ts'
import { describeReading, isLasting, skippedReceipt } from '../src/media/receipt.ts'
import type { JobPayload } from '../src/queue/jobs.ts'
import type { Handlers, JobContext, Outcome } from '../src/queue/queue.ts'
import type { ProgressLine } from '../src/reply/progress.ts'
import type { ReadingWork } from '../src/store/attachments.ts'
import type { Messaging, Money, Storage } from './deps.ts'

export interface ExtractDeps {
  storage: Pick<Storage, 'attachments' | 'blobs' | 'index'>
  messaging: Pick<Messaging, 'platform' | 'progress' | 'stops'>
  money: Pick<Money, 'paying'>
  reader: Reader
  limits: { fileBytes: number }
  /** Files that can be read at once. */
  readers: number
  owner: string
  log: Log
}

const leaseMs = 15_000
/** For each file that is read, so many are taken: the next one is fetched meanwhile. What is not taken, a restart does not undo. */
const takenPerReader = 2
const reportEveryMs = 1000

export function createExtract(deps: ExtractDeps): Handlers['extract'] {
  const { storage, messaging, log } = deps
  const { attachments } = storage
  const { progress, stops } = messaging
  const places = createGate(deps.readers * takenPerReader)

  return async (payload, context) => {
    const leave = await takePlace(payload.turnId, context.signal)
    try {
      return await extract(payload, context, leave)
    } finally {
      leave()
    }
  }

  /** A turn that is stopped does not wait for the files of others. */
  async function takePlace(turnId: string, signal: AbortSignal): Promise<() => void> {
    using stop = stops.watch(turnId)
    try {
      return await places.enter(AbortSignal.any([signal, stop.signal]))
    } catch (error) {
      if (signal.aborted || !stop.signal.aborted) throw error
      return () => {}
    }
  }

  async function extract(
    { attachmentId }: JobPayload<'extract'>,
    { id, last, signal }: JobContext,
    leave: () => void,
  ): Promise<Outcome> {
    // Of this run, not of the job: the queue may give a job out again while its earlier run still ends.
    const owner = `${deps.owner}:${id}:${randomUUID()}`
    const work = await attachments.claim(attachmentId, owner, leaseMs)
    if (work === 'ended') return 'done'
    if (work === 'held') return { delayMs: 1000 }
    using stop = stops.watch(work.turnId)
    if (work.stopRequested) stop.stop()
    const turn = { turnId: work.turnId, platform: work.platform, target: work.target }
    const line = progress.open(turn, `Fetching ${work.attachment.name}`)
    using lease = keepLease(deps, attachmentId, owner, stop.stop)
    const started = performance.now()
    try {
      const artifact = await read(deps, work, AbortSignal.any([signal, stop.signal, lease.lost]), {
        line,
        lease,
        leave,
      })
      const receipt = { ...describeReading(work.attachment, artifact), readMs: Math.round(performance.now() - started) }
      await line.close()
      await attachments.finish(attachmentId, owner, { receipt, key: artifact })
      log.info(
        {
          attachmentId,
          turnId: work.turnId,
          engine: artifact.engine,
          pages: artifact.pages,
          tokens: artifact.tokens,
          ms: receipt.readMs,
        },
        'attachment read',
      )
      return 'done'
    } catch (thrown) {
      await line.close()
      if (lease.lost.aborted) return { delayMs: 1000 }
      const receipt = giveUp(work, thrown, { stopped: stop.signal.aborted, last })
      if (receipt === null) {
        await attachments.release(attachmentId, owner)
        throw thrown
      }
      log.info({ attachmentId, turnId: work.turnId, ...errorFields(thrown) }, 'attachment skipped')
      await attachments.finish(attachmentId, owner, { receipt, key: null })
      return 'done'
    }
  }
}

/** The receipt of an attachment that will not be read, or `null` when another attempt is worth it. */
function giveUp(
  work: ReadingWork,
  thrown: unknown,
  { stopped, last }: { stopped: boolean; last: boolean },
): AttachmentReceipt | null {
  if (stopped) return skippedReceipt(work.attachment, 'stopped before it was read')
  const error: ParleyError = asParleyError(thrown, `${work.attachment.name} could not be read. Please share it again.`)
  if (error.retry !== 'never' && !last) return null
  return skippedReceipt(work.attachment, error.retry === 'later' ? withNextStep(error) : error)
}

/** See `claim` in src/store/turns-sql.ts. */
function withNextStep(error: ParleyError): ParleyError {
  return new ParleyError(error.code, `${error.tell} Parley reads it again with the next question in this thread.`)
}

async function read(
  deps: ExtractDeps,
  work: ReadingWork,
  signal: AbortSignal,
  { line, lease, leave }: { line: ProgressLine; lease: Lease; leave(): void },
): Promise<Artifact> {
  const { storage, messaging, money, reader, limits } = deps
  const { attachments, blobs, index } = storage
  const { attachment } = work
  const content = await messaging.platform(work.platform).files.fetch(attachment, { signal })
  const { hash } = await blobs.put(content, { maxBytes: limits.fileBytes, signal })
  const { name, mediaType, durationMs, transcript } = attachment
  const request = {
    ...{ path: blobs.path(hash), contentHash: hash, name, mediaType },
    ...(durationMs !== undefined && { durationMs }),
    ...(transcript !== undefined && { transcript }),
  }
  const { engine, elsewhere } = await reader.identify(request)
  // A recording waits for its transcript and lets files past it.
  if (elsewhere) leave()
  const [cached] = await attachments.artifacts([{ contentHash: hash, engine }])
  if (cached) return cached
  const onProgress = (state: ReadProgress) => {
    const text = describeProgress(state)
    lease.report(text)
    line.update(`${state.unit === 'second' ? 'Listening to' : 'Reading'} ${attachment.name}, ${text}`)
  }
  line.update(`Reading ${attachment.name}`)
  const given = await reader.read(request, { signal, onProgress, paying: money.paying(work.spender, work.turnId) })
  // What a limit cut short serves this attachment alone: its key is one that no later reading looks for.
  const artifact = isLasting(given) ? given : { ...given, engine: `${engine}/${attachment.id}` }
  // Findable first: an artifact that is known is never indexed again.
  await index.add(artifact)
  await attachments.saveArtifact(artifact)
  return artifact
}

function describeProgress({ done, of, unit, by }: ReadProgress): string {
  if (by === 'ocr') return of === 1 ? 'recognising text' : `OCR ${unit} ${done} of ${of}`
  if (unit === 'second') return of > 0 ? `${clock(done * 1000)} of ${clock(of * 1000)}` : clock(done * 1000)
  return of > 0 ? `${unit} ${done} of ${of}` : `${unit} ${done}`
}

interface Lease extends Disposable {
  /** Aborts when another worker may have taken the attachment. */
  lost: AbortSignal
  /** What the next renewal stores as progress. */
  report(text: string): void
}

/** Renews the lease and stores progress, once a second; a stop that the channel lost is noticed here. */
function keepLease(
  { storage: { attachments } }: ExtractDeps,
  attachmentId: string,
  owner: string,
  stop: () => void,
): Lease {
  const lost = new AbortController()
  let text = ''
  let busy = false
  const renew = async () => {
    if (busy) return
    busy = true
    try {
      const state = await attachments.progress(attachmentId, owner, leaseMs, text)
      if (state === 'stop') stop()
      if (state === 'lost') lost.abort()
    } catch {
      // The database is away for a moment; the lease outlives several missed renewals.
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void renew(), reportEveryMs)
  return {
    lost: lost.signal,
    report(next) {
      text = next
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
