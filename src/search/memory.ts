/**
 * Files that were shared before, found again: in the thread, its channel, other places that the audience may see, and collections. The
 * newest version of a file comes first, and what says the same counts once.
 */
import { placeName } from '../core/place.ts'
import type { Spender } from '../core/scope.ts'
import type { NewSource } from '../core/source.ts'
import { memoryWording } from '../wording/search.ts'
import {
  type Audience,
  keyOf,
  type RankedPassage,
  type Retrieval,
  type Retriever,
  type ShareFacts,
} from './passages.ts'
import type { PlaceReaders } from './places.ts'
import { questionTerms, terms } from './terms.ts'
import { questionsIn } from './web-queries.ts'

export interface Memory {
  /** The best passages, best first; none where nothing fits the question well enough. */
  find(question: string, options: MemorySearch): Promise<RankedPassage[]>
  /** Whether anything was shared that the audience may see. */
  holds(audience: Audience): Promise<boolean>
  /** Whether a model may be asked for other words where those of a question find little; off unless it was turned on (src/answer/other-words.ts). */
  otherWords: boolean
}

/** What was shared, as a source that can be cited. */
export function sharedSource(contentHash: string, share: ShareFacts): NewSource {
  const { id: ref, title, link: url } = share
  return { kind: 'memory', title, contentHash, url, ref, shared: sharedFacts(share) }
}

export function sharedFacts({ by, at, place, near, newerAt }: ShareFacts): NonNullable<NewSource['shared']> {
  const unnamed = place.kind === 'group' ? memoryWording.group : memoryWording.elsewhere
  const where = placeName(place) ?? (near === 'elsewhere' ? unnamed : undefined)
  return { by, at: at.toISOString(), place: where, older: newerAt === undefined ? undefined : true }
}

export interface MemorySearch {
  audience: Audience
  /** Contents that the question has already: its own files. */
  except: readonly string[]
  /** How much of the question a passage must have, from 0 to 1. */
  floor: number
  signal: AbortSignal
  spender: Spender
  turnId?: string | undefined
  localOnly?: boolean | undefined
  note?: Retrieval['note']
}

/**
 * How much of a question, or of other words for it, must occur in a passage that does not mean nearly the same; more beside files that came
 * with the question. At 0.2, three in a hundred passages that answer a question of XQuAD are lost at most (English 0.7, Chinese 2, German
 * 2.9); at 0.3, up to six in English and German. Measured on the half of its questions by which it was chosen. Where `memory.otherWords` is on, other
 * words are searched for when nothing reaches `sure`. Without a model, only what reaches it is quoted.
 */
export const memoryFloor = { alone: 0.2, besideFiles: 0.5, sure: 0.5 }
const candidates = 120
const most = 40
const mostPerFile = 12
/** Passages with this share of equal words say the same. */
const sameWords = 0.9

export function createMemory({
  retriever,
  places,
  otherWords = false,
}: {
  retriever: Retriever
  places: Pick<PlaceReaders, 'refresh' | 'holdsAny' | 'names'>
  otherWords?: boolean
}): Memory {
  /** A citation of something that was shared elsewhere says where. */
  async function named(found: RankedPassage[], signal: AbortSignal): Promise<RankedPassage[]> {
    const nameless = found.flatMap(({ share }) =>
      share?.near === 'elsewhere' && share.place.name === undefined && share.place.kind !== 'direct'
        ? share.place.key
        : [],
    )
    if (nameless.length === 0) return found
    const names = await places.names([...new Set(nameless)], signal)
    return found.map((passage) => {
      const { share } = passage
      const name = share === undefined ? undefined : names.get(share.place.key)
      if (share === undefined || name === undefined) return passage
      return { ...passage, share: { ...share, place: { ...share.place, ...name } } }
    })
  }

  return {
    holds: places.holdsAny,
    otherWords,
    async find(question, { except, floor, ...options }) {
      const { audience, signal } = options
      await places.refresh(audience, signal)
      const found = await retriever.retrieve(question, { ...options, within: 'places', limit: candidates })
      const known = new Set(except)
      const parts = partsOf(question)
      const fitting = found.filter(
        (passage) =>
          !known.has(passage.contentHash) &&
          ((passage.coverage ?? 0) >= floor || passage.close === true || answersPart(parts, passage)),
      )
      return await named(withoutRepetition(newestVersions(fitting)), signal)
    },
  }
}

/** The share of one of several questions that a passage must have. */
const partFloor = 0.6

/** The terms of each question where there are several; a passage that answers one has little of all of them. */
function partsOf(question: string): string[][] {
  const parts = questionsIn(question)
  return parts.length < 2 ? [] : parts.map(questionTerms).filter((part) => part.length > 2)
}

function answersPart(parts: readonly string[][], { text }: RankedPassage): boolean {
  if (parts.length === 0) return false
  const words = new Set(terms(text))
  return parts.some((part) => part.filter((term) => words.has(term)).length >= partFloor * part.length)
}

/** Of several versions of a file in one place, the newest that was found; what is left of an older one comes last. */
export function newestVersions(found: readonly RankedPassage[]): RankedPassage[] {
  const newest = new Map<string, Date>()
  const nameOf = ({ share }: RankedPassage) => `${share?.place.key} ${share?.series}`
  for (const passage of found) {
    const { share } = passage
    if (share === undefined) continue
    const known = newest.get(nameOf(passage))
    if (known === undefined || known < share.at) newest.set(nameOf(passage), share.at)
  }
  const kept = found.filter(
    (passage) => passage.share === undefined || newest.get(nameOf(passage))?.getTime() === passage.share.at.getTime(),
  )
  const isOld = ({ share }: RankedPassage) => share?.newerAt !== undefined
  return [...kept.filter((passage) => !isOld(passage)), ...kept.filter(isOld)]
}

/** The first `most`, near-duplicates once, the better place first; and no file takes all of the room. */
function withoutRepetition(found: readonly RankedPassage[]): RankedPassage[] {
  const kept: { passage: RankedPassage; words: Set<string> }[] = []
  const counts = new Map<string, number>()
  for (const passage of found) {
    if (kept.length === most) break
    const count = counts.get(passage.contentHash) ?? 0
    if (count >= mostPerFile) continue
    const words = new Set(terms(passage.text))
    if (kept.some((other) => saysTheSame(words, other.words))) continue
    counts.set(passage.contentHash, count + 1)
    kept.push({ passage, words })
  }
  return kept.map(({ passage }) => passage)
}

function saysTheSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const smaller = Math.min(a.size, b.size)
  const larger = Math.max(a.size, b.size)
  if (smaller < sameWords * larger) return false
  let common = 0
  for (const word of a) if (b.has(word)) common += 1
  return common >= sameWords * (a.size + b.size - common)
}

/** What two searches found, best first, each passage once. */
export function merged(one: readonly RankedPassage[], other: readonly RankedPassage[]): RankedPassage[] {
  const best = new Map<string, RankedPassage>()
  for (const passage of [...one, ...other]) {
    const name = keyOf(passage)
    const known = best.get(name)
    if (known === undefined || (known.coverage ?? 0) < (passage.coverage ?? 0)) best.set(name, passage)
  }
  const ranked = [...best.values()].toSorted((a, b) => (b.coverage ?? 0) - (a.coverage ?? 0))
  return withoutRepetition(newestVersions(ranked))
}

/**
 * Whether it says so much of the question, or means nearly the same, that nothing else need be searched for, and it may be quoted without a
 * model. One word of several may mean something else there.
 */
export function isSure(
  question: string,
): (passage: { text: string; coverage?: number | undefined; close?: boolean | undefined }) => boolean {
  const asked = questionTerms(question)
  return ({ text, coverage = 0, close = false }) => {
    if (close) return true
    if (coverage < memoryFloor.sure) return false
    const words = new Set(terms(text))
    return asked.filter((term) => words.has(term)).length >= Math.min(2, asked.length)
  }
}
