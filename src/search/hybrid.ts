/**
 * Finding by words and by meaning at the same time. Words alone are enough: where nothing is embedded, or the server for embeddings fails
 * or is late, the passages that were found by words are given, and a note says so.
 */

import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { embeddingWording } from '../wording/embeddings.ts'
import type { EmbeddedQuestion, Embedder } from './embedder.ts'
import { isStatic } from './embedding-families.ts'
import type { KnownModel, Nearest, VectorIndex } from './embeddings.ts'
import { type FusedPassage, fuse, usualWeight } from './fuse.ts'
import { keyOf, type PassageIndex, type RankedPassage, type Retrieval, type Retriever } from './passages.ts'
import { questionTerms } from './terms.ts'

export interface HybridSettings {
  /** Of nearness of meaning, from 0 to 1. Default by the model's kind. */
  weight?: number | undefined
  /** From which similarity on a passage fits the question without a common word. Default: by how similar the passages are anyway. */
  floor?: number | undefined
  /** How long the nearest passages are waited for. */
  waitMs?: number | undefined
}

const usualWaitMs = 1_500
/** With less of the view embedded, passages would be ranked by whether they have a vector. */
const leastShare = 0.95
/** How far above the usual similarity of passages that have nothing to do with each other, in deviations. */
const standsOut = 2.5

export function createHybridRetriever(deps: {
  lexical: Retriever & Pick<PassageIndex, 'read'>
  vectors: VectorIndex
  embedder: Embedder
  settings: HybridSettings
  log: Log
}): Retriever {
  const { lexical, vectors, embedder, settings, log } = deps

  async function nearest(question: string, options: Retrieval, signal: AbortSignal) {
    const { spender, turnId, localOnly = false, audience, among, within = 'conversation', limit } = options
    const asked = await embedder.question(question, { spender, turnId, localOnly })
    if (asked === undefined) return undefined
    const found = await vectors.nearest(asked.model, asked.vector, { audience, among, within, limit, signal })
    return { asked, found }
  }

  /** A sentence where it failed. Never rejects but with the caller's own reason. */
  async function nearestInTime(question: string, options: Retrieval) {
    const { signal } = options
    const deadline = AbortSignal.timeout(settings.waitMs ?? usualWaitMs)
    const either = AbortSignal.any([signal, deadline])
    try {
      return await until(either, nearest(question, options, either))
    } catch (thrown) {
      signal.throwIfAborted()
      if (!deadline.aborted) log.warn(errorFields(thrown), 'passages not found by meaning')
      return deadline.aborted ? embeddingWording.late : embeddingWording.failed
    }
  }

  return {
    name: 'hybrid',
    async retrieve(question, options) {
      const { signal, limit } = options
      signal.throwIfAborted()
      if (questionTerms(question).length === 0 || options.among?.length === 0 || limit <= 0) return []
      const dense = nearestInTime(question, options)
      // It is awaited below, unless the words fail first.
      dense.catch(() => {})
      const byWords = await lexical.retrieve(question, options)
      const near = await dense
      // Where there is nothing to find, nothing is missed.
      if (typeof near === 'string' && byWords.length > 0) options.note?.(near)
      if (near === undefined || typeof near === 'string' || near.found.share < leastShare) return byWords
      return await together(question, byWords, near, options)
    },
  }

  async function together(
    question: string,
    byWords: readonly RankedPassage[],
    { asked: { model }, found }: { asked: EmbeddedQuestion; found: Nearest },
    { limit, audience, signal }: Retrieval,
  ): Promise<RankedPassage[]> {
    const weight = settings.weight ?? usualWeight[isStatic(model.model) ? 'static' : 'encoder']
    const ranked = fuse(question, byWords, found.found, weight).slice(0, limit)
    const unread = ranked.filter((passage) => passage.lexical === undefined).map(({ ref }) => ref)
    const read = await lexical.read(unread, { audience, signal })
    const texts = new Map(read.map((passage) => [keyOf(passage), passage]))
    const floor = settings.floor ?? floorOf(model)
    return ranked.flatMap((each): RankedPassage[] => {
      const passage = each.lexical ?? texts.get(keyOf(each.ref))
      return passage === undefined ? [] : [{ ...passage, score: each.score, close: isClose(each, floor) }]
    })
  }
}

function isClose({ similarity }: FusedPassage, floor: number | undefined): boolean {
  return similarity !== undefined && floor !== undefined && similarity >= floor
}

/** Unknown before enough passages are embedded: then nothing fits by its meaning alone. */
function floorOf({ background }: KnownModel): number | undefined {
  return background === undefined ? undefined : background.mean + standsOut * background.deviation
}

async function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  aborted.promise.catch(() => {})
  // What is left behind may still fail.
  work.catch(() => {})
  try {
    signal.throwIfAborted()
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
