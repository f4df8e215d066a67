/**
 * Reads what Parley was told to know without a question: a page, a site, or a list of files, each of which has a job of its own. What was
 * read is shared in the source's place as soon as it is read, so that a crash costs only what was under way.
 */
import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { asParleyError, errorFields, ParleyError } from '../src/core/errors.ts'
import type { Log } from '../src/core/log.ts'
import { comparedAddress } from '../src/core/page-address.ts'
import { type PlaceAddress, placeKey } from '../src/core/place.ts'
import { learnJob } from '../src/intake/dispatch.ts'
import type { Handlers, JobContext, Outcome } from '../src/queue/queue.ts'
import type { KnownPage, LearnWork } from '../src/store/learned-sources.ts'
import type { ReadPage } from '../src/web/page-reader.ts'
import { learnWording } from '../src/wording/collections.ts'
import { unreadWording } from '../src/wording/search.ts'
import type { Messaging, Storage, WorkerDeps } from './deps.ts'
import { claimInIsolation, type Isolation } from './isolation.ts'
import { keepLease, type Lease } from './lease.ts'

export interface LearnDeps {
  storage: Pick<Storage, 'blobs' | 'index' | 'learned'>
  messaging: Pick<Messaging, 'platform' | 'queue'>
  learning: WorkerDeps['learning']
  isolation: Isolation
  owner: string
  log: Log
}

const leaseMs = 15_000
const linkMs = 30_000
/** Of pinned files, and of those that are read when a channel's files begin to be read. */
export const mostPinned = 200
export const backfill = 50
const mostProblems = 10

/** What a run found: problems as sentences, and the addresses of pages that stay although they were not read this time. */
interface Run {
  problems: string[]
  keep: string[]
}

export function createLearn(deps: LearnDeps): Handlers['learn'] {
  const { storage, messaging, learning, log } = deps
  const { learned, blobs, index } = storage

  return async ({ sourceId }, { id, last, signal }: JobContext): Promise<Outcome> => {
    const owner = `${deps.owner}:${id}:${randomUUID()}`
    const taken = await claimInIsolation(
      deps.isolation,
      sourceId,
      (mode) => learned.claim(sourceId, owner, leaseMs, mode),
      (claim) => (typeof claim === 'object' && 'suspect' in claim ? claim.suspect : undefined),
    )
    if ('waitMs' in taken) return { delayMs: taken.waitMs }
    using _place = taken.place
    const work = taken.claim
    if (work === 'ended') return 'done'
    if (work === 'held' || 'suspect' in work) return { delayMs: 1_000 }
    if (taken.verdict === 'guilty' || taken.verdict === 'unspeakable') {
      log.error({ sourceId }, 'a learned source ended its process again and again; given up')
      await learned.fail(sourceId, owner, learnWording.crashed)
      return 'done'
    }
    using lease = keepLease((progress) => learned.progress(sourceId, owner, leaseMs, progress))
    const started = performance.now()
    try {
      const run = await learn(work, { owner, lease, signal: AbortSignal.any([signal, lease.lost]) })
      await learned.finish(sourceId, owner, run)
      const ms = Math.round(performance.now() - started)
      log.info({ sourceId, kind: work.kind, problems: run.problems.length, ms }, 'source learned')
      return 'done'
    } catch (thrown) {
      // Gone, or another worker has it: this process lives, so the try was not broken off.
      if (lease.lost.aborted || thrown instanceof NotHeld) {
        await learned.release(sourceId, owner).catch(() => {})
        return { delayMs: 1_000 }
      }
      const error = asParleyError(thrown, learnWording.failed)
      if (signal.aborted || (error.retry !== 'never' && !last)) {
        await learned.release(sourceId, owner)
        throw thrown
      }
      log.info({ sourceId, kind: work.kind, ...errorFields(thrown) }, 'source not learned')
      await learned.fail(sourceId, owner, error.userMessage)
      return 'done'
    }
  }

  interface Held {
    owner: string
    lease: Lease
    signal: AbortSignal
  }

  async function learn(work: LearnWork, held: Held): Promise<Run> {
    switch (work.kind) {
      case 'link':
        return await learnLink(work, held)
      case 'site':
        return await learnSite(work, held)
      case 'pins':
        return await learnFiles(work.id, work.locator.place, 'pinned', held)
      case 'watch':
        return await learnFiles(work.id, work.locator.place, 'recent', held)
    }
  }

  async function keep(id: string, owner: string, before: readonly KnownPage[], { page, artifact }: ReadPage) {
    const unchanged = before.some(({ contentHash, engine }) => {
      return contentHash === page.contentHash && engine === page.engine
    })
    // Findable before it is shared.
    if (!unchanged) await index.add(artifact)
    if (!(await learned.keepPage(id, owner, page))) throw new NotHeld()
  }

  async function learnLink(
    { id, locator }: Extract<LearnWork, { kind: 'link' }>,
    { owner, signal }: Held,
  ): Promise<Run> {
    const asked = new URL(locator.address)
    const before = await learned.pages(id)
    try {
      const fetched = await learning.pages.fetch(asked, { by: 'person', signal, timeoutMs: linkMs })
      await learning.pages.take(fetched, { asked, signal, keep: (read) => keep(id, owner, before, read) })
      return { problems: [], keep: [] }
    } catch (thrown) {
      signal.throwIfAborted()
      // It is no longer there, so nothing of it stays.
      if (thrown instanceof ParleyError && thrown.code === 'file_missing')
        return { problems: [thrown.userMessage], keep: [] }
      throw thrown
    }
  }

  async function learnSite(
    { id, locator }: Extract<LearnWork, { kind: 'site' }>,
    { owner, lease, signal }: Held,
  ): Promise<Run> {
    const before = await learned.pages(id)
    const byAddress = new Map(before.map((page) => [comparedAddress(new URL(page.address)), page]))
    const run: Run = { problems: [], keep: [] }
    let unread = 0
    const note = (asked: URL, sentence: string) => {
      unread += 1
      const had = byAddress.get(comparedAddress(asked))
      if (had !== undefined) run.keep.push(had.address)
      if (run.problems.length < mostProblems)
        run.problems.push(learnWording.page(asked.href, sentence, had !== undefined))
    }
    const pages = learning.sites.crawl(new URL(locator.address), {
      most: locator.pages,
      signal,
      known: async (address) => {
        const page = byAddress.get(address)
        return page?.seen === true ? await text(await blobs.open(page.contentHash)) : undefined
      },
    })
    for (let visited = 0; ; visited += 1) {
      lease.report(learnWording.pages(visited, locator.pages))
      const next = await pages.next()
      if (next.done === true) {
        if (unread > mostProblems) run.problems.push(learnWording.more(unread - mostProblems))
        if (next.value.left > 0) run.problems.push(learnWording.limit(locator.pages, next.value.left))
        return run
      }
      const page = next.value
      if (page.kind === 'unread' && !page.gone) note(page.asked, page.error.userMessage)
      if (page.kind !== 'fetched') continue
      const { asked, fetched } = page
      try {
        await learning.pages.take(fetched, { asked, signal, keep: (read) => keep(id, owner, before, read) })
      } catch (thrown) {
        signal.throwIfAborted()
        if (thrown instanceof NotHeld) throw thrown
        note(fetched.url, asParleyError(thrown, unreadWording.failed).userMessage)
      }
    }
  }

  async function learnFiles(
    id: string,
    place: PlaceAddress,
    which: 'pinned' | 'recent',
    { signal }: Held,
  ): Promise<Run> {
    const { placeFiles } = messaging.platform(place.platform)
    if (placeFiles === undefined) throw new ParleyError('file_unsupported', learnWording.noFiles)
    const limit = which === 'pinned' ? mostPinned : backfill
    const files = await placeFiles[which](place, { limit, signal })
    const work = await learned.keepFiles(
      id,
      files.map((file) => ({ ...file, place })),
      { complete: which === 'pinned' },
    )
    // What the queue does not take now the next sweep hands over.
    await Promise.all(work.map((next) => messaging.queue.add(learnJob(next)))).catch((error: unknown) =>
      log.warn({ place: placeKey(place), ...errorFields(error) }, 'files not handed to the queue; sweep will'),
    )
    const full = which === 'pinned' && files.length >= limit
    return { problems: full ? [learnWording.filesLimit(limit)] : [], keep: [] }
  }
}

/** The source was removed, or another worker reads it. */
class NotHeld extends Error {}
