/** Reads one attachment: fetch → what is it → read (or take from the cache) → artifact, found by its passages → receipt. */

import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Artifact, clock } from '../src/core/artifact.ts'
import { asParleyError, errorFields, ParleyError } from '../src/core/errors.ts'
import type { Log } from '../src/core/log.ts'
import type { AttachmentReceipt } from '../src/core/reply.ts'
import { createSemaphore } from '../src/core/semaphore.ts'
import type { PartStore, PictureStore, Reader, ReadProgress } from '../src/media/reader.ts'
import { describeReading, isPermanent, skippedReceipt } from '../src/media/receipt.ts'
import { Transcription } from '../src/media/transcriber.ts'
import type { Handlers, JobContext, JobPayload, Outcome } from '../src/queue/queue.ts'
import type { ProgressLine } from '../src/reply/progress.ts'
import type { ReadingWork } from '../src/store/attachments.ts'
import { attachmentWording, progressWording } from '../src/wording/answers.ts'
import type { Messaging, Money, Storage } from './deps.ts'
import { claimInIsolation, type Isolation } from './isolation.ts'
import { keepLease, type Lease } from './lease.ts'

export interface ExtractDeps {
  storage: Pick<Storage, 'attachments' | 'blobs' | 'index'>
  messaging: Pick<Messaging, 'platform' | 'progress' | 'stops'>
  money: Pick<Money, 'paying'>
  reader: Reader
  isolation: Isolation
  limits: { fileBytes: number }
  /** Files that can be read at once. */
  readers: number
  owner: string
  log: Log
}

const leaseMs = 15_000
/** For each file that is read, so many are taken: the next one is fetched meanwhile. What is not taken, a restart does not undo. */
const takenPerReader = 2
/** Where nobody waits for an answer. */
const noLine: ProgressLine = { update() {}, async close() {} }

export function createExtract(deps: ExtractDeps): Handlers['extract'] {
  const { storage, messaging, log } = deps
  const { attachments } = storage
  const { progress, stops } = messaging
  const places = createSemaphore(deps.readers * takenPerReader)

  return async (payload, context) => {
    const leave = await takePlace(payload.turnId ?? payload.attachmentId, context.signal)
    try {
      return await extract(payload, context, leave)
    } finally {
      leave()
    }
  }

  /** A turn that is stopped does not wait for the files of others. */
  async function takePlace(stoppedBy: string, signal: AbortSignal): Promise<() => void> {
    using stop = stops.watch(stoppedBy)
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
    const taken = await claimInIsolation(
      deps.isolation,
      attachmentId,
      (mode) => attachments.claim(attachmentId, owner, leaseMs, mode),
      (claim) => (typeof claim === 'object' && 'suspect' in claim ? claim.suspect : undefined),
    )
    if ('waitMs' in taken) return { delayMs: taken.waitMs }
    using _place = taken.place
    const work = taken.claim
    if (work === 'ended') return 'done'
    if (work === 'held' || 'suspect' in work) return { delayMs: 1000 }
    if (taken.verdict === 'guilty' || taken.verdict === 'unspeakable') {
      log.error({ attachmentId, turnId: work.turn?.id }, 'attachment ended its process again and again; given up')
      const receipt = skippedReceipt(work.attachment, crashed(work.attachment.name))
      await attachments.finish(attachmentId, owner, { receipt, key: null })
      return 'done'
    }
    const { turn } = work
    using stop = stops.watch(turn?.id ?? attachmentId)
    if (turn?.stopRequested === true) stop.stop()
    const line =
      turn === undefined
        ? noLine
        : progress.open(
            { turnId: turn.id, platform: work.platform, target: turn.target },
            progressWording.fetching(work.attachment.name),
          )
    using lease = keepLease((text) => attachments.progress(attachmentId, owner, leaseMs, text), stop.stop)
    const started = performance.now()
    try {
      const refer = async (hash: string) => {
        if (!(await attachments.refer(attachmentId, owner, hash))) throw new NotHeld()
      }
      const artifact = await read(deps, { ...work, refer }, AbortSignal.any([signal, stop.signal, lease.lost]), {
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
          turnId: turn?.id,
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
      if (thrown instanceof NotHeld) return { delayMs: 1000 }
      if (lease.lost.aborted) {
        // Unless another worker has it by now: this process lives, so the try was not broken off.
        await attachments.release(attachmentId, owner).catch(() => {})
        return { delayMs: 1000 }
      }
      const receipt = giveUp(work, thrown, { stopped: stop.signal.aborted, last })
      if (receipt === null) {
        await attachments.release(attachmentId, owner)
        throw thrown
      }
      log.info({ attachmentId, turnId: turn?.id, ...errorFields(thrown) }, 'attachment skipped')
      await attachments.finish(attachmentId, owner, { receipt, key: null })
      return 'done'
    }
  }
}

function crashed(name: string): ParleyError {
  return new ParleyError('file_crashed', attachmentWording.crashed(name))
}

/** The receipt of an attachment that will not be read, or `null` when another attempt is worth it. */
function giveUp(
  work: ReadingWork,
  thrown: unknown,
  { stopped, last }: { stopped: boolean; last: boolean },
): AttachmentReceipt | null {
  if (stopped) return skippedReceipt(work.attachment, attachmentWording.stopped)
  const error: ParleyError = asParleyError(thrown, attachmentWording.unreadable(work.attachment.name))
  if (error.retry !== 'never' && !last) return null
  return skippedReceipt(work.attachment, error.retry === 'later' ? withNextStep(error) : error)
}

/** The next question there reads the file again (`claim` in src/store/turn-leases-postgres.ts), so the sentence says so. */
function withNextStep(error: ParleyError): ParleyError {
  return new ParleyError(error.code, attachmentWording.readsAgain(error.userMessage))
}

/** The attachment was deleted, or another worker reads it. */
class NotHeld extends Error {}

interface Referring {
  /** Keeps bytes with the attachment. Throws NotHeld. */
  refer(hash: string): Promise<void>
}

/** The hash of the file's bytes, which are kept from here on whether they can be read or not. */
async function take(
  { storage: { blobs }, messaging: { platform }, limits }: ExtractDeps,
  { attachment, refer, platform: name }: ReadingWork & Referring,
  signal: AbortSignal,
): Promise<string> {
  if (attachment.blob !== undefined) {
    if (!(await blobs.has(attachment.blob)))
      throw new ParleyError('file_missing', attachmentWording.gone(attachment.name))
    await refer(attachment.blob)
    return attachment.blob
  }
  const content = await platform(name).files.fetch(attachment, { signal })
  await using held = await blobs.put(content, { maxBytes: limits.fileBytes, signal })
  await refer(held.hash)
  return held.hash
}

async function read(
  deps: ExtractDeps,
  work: ReadingWork & Referring,
  signal: AbortSignal,
  { line, lease, leave }: { line: ProgressLine; lease: Lease; leave(): void },
): Promise<Artifact> {
  const hash = await take(deps, work, signal)
  return await deps.storage.blobs.withFile(hash, signal, (path) =>
    readFile(deps, work, { hash, path, signal, line, lease, leave }),
  )
}

/** What the platform heard meanwhile; a recording without it is reported as not transcribed. */
async function heard(
  { messaging, log }: ExtractDeps,
  { attachment, platform }: ReadingWork,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await messaging.platform(platform).files.transcript?.(attachment, { signal })
  } catch (error) {
    signal.throwIfAborted()
    log.info(errorFields(error), 'the platform gave no transcript')
    return undefined
  }
}

interface Opened {
  hash: string
  path: string
  signal: AbortSignal
  line: ProgressLine
  lease: Lease
  leave(): void
}

async function readFile(
  deps: ExtractDeps,
  work: ReadingWork & Referring,
  { hash, path, signal, line, lease, leave }: Opened,
): Promise<Artifact> {
  const { storage, money, reader } = deps
  const { attachments, blobs, index } = storage
  const { attachment, refer } = work
  const { name, mediaType, durationMs, transcript } = attachment
  const announced = { path, contentHash: hash, name, mediaType, durationMs, transcript }
  const identified = await reader.identify(announced)
  // A recording waits for its transcript and lets files past it.
  if (identified.elsewhere) leave()
  const request =
    identified.needsTranscript === true ? { ...announced, transcript: await heard(deps, work, signal) } : announced
  const { engine } = request.transcript === transcript ? identified : await reader.identify(request)
  const [cached] = await attachments.artifacts([{ contentHash: hash, engine }])
  if (cached) return cached
  const onProgress = (state: ReadProgress) => {
    const text = describeProgress(state)
    lease.report(text)
    line.update((state.unit === 'second' ? progressWording.listeningAt : progressWording.readingAt)(name, text))
  }
  const pictures: PictureStore = {
    async put(picture, stopped) {
      await using held = await blobs.put(Readable.from([picture]), { maxBytes: picture.length, signal: stopped })
      await refer(held.hash)
      return held.hash
    },
  }
  const key = { contentHash: hash, engine }
  const parts: PartStore = {
    load: async () =>
      new Map([...(await attachments.parts(key))].map(([part, body]) => [part, Transcription.parse(body)])),
    save: (part, transcription) => attachments.savePart(key, part, transcription),
  }
  line.update(progressWording.reading(name))
  const paying = money.paying(work.spender, work.turn?.id)
  const passages = index.follow(key)
  const onSegments = passages.add
  const given = await reader.read(request, { signal, onProgress, onSegments, paying, parts, pictures })
  // What a limit cut short serves this attachment alone: its key is one that no later reading looks for.
  const artifact = isPermanent(given) ? given : { ...given, engine: `${engine}/${attachment.id}` }
  // Findable first: an artifact that is known is never indexed again.
  await passages.finish(artifact)
  await attachments.saveArtifact(artifact)
  return artifact
}

function describeProgress({ done, of, unit, by }: ReadProgress): string {
  if (by === 'ocr') return of === 1 ? progressWording.recognizing : progressWording.ocr(unit, done, of)
  if (unit === 'second') return progressWording.clock(clock(done * 1000), of > 0 ? clock(of * 1000) : undefined)
  return progressWording.at(unit, done, of)
}
