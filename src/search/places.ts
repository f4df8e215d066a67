/**
 * Who can read a place, kept fresh: before a search over places, those whose readers are not known of the last minute are asked about at
 * their platforms, all at once and with a deadline. What is not known by then is not searched.
 */
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import {
  mostMembers,
  type PlaceAddress,
  type PlaceChange,
  type PlaceFacts,
  type Places,
  placeKey,
} from '../core/place.ts'
import { createSemaphore } from '../core/semaphore.ts'
import type { Audience, AudienceAsker } from './passages.ts'

/** What must be asked before a place can be searched. */
export type PlaceQuestion =
  /** Its kind and, as far as the platform tells, its members. */
  { place: PlaceAddress; ask: 'facts' } | { place: PlaceAddress; ask: 'reader'; account: string }

export type PlaceAudience = Pick<Audience, 'place' | 'asker'>

export interface PlaceAnswer {
  question: PlaceQuestion
  /** `null`: there is no such place, or Parley cannot see it. */
  facts?: PlaceFacts | null
  reads?: boolean
}

export interface SearchedPlace {
  key: string
  kind: PlaceFacts['kind'] | 'collection'
  name: string | undefined
  /** Files that can be found there. */
  files: number
}

/** Implemented in providers/places-postgres.ts. */
export interface PlaceRows {
  /**
   * Places that may hold something for the audience and whose readers are not known of the last minute; those used last come first.
   * `contentHash`: only what must be known about this content.
   */
  stale(
    audience: PlaceAudience,
    options: { limit: number; contentHash?: string | undefined },
  ): Promise<{ questions: PlaceQuestion[]; askedAt: Date }>
  /** Those of these places whose names nobody has asked about since they last changed. */
  nameless(keys: readonly string[]): Promise<{ questions: PlaceQuestion[]; askedAt: Date }>
  /** Stores what platforms answered to questions that were asked at `askedAt`. An event that came meanwhile wins. */
  save(answers: readonly PlaceAnswer[], askedAt: Date, room: string): Promise<void>
  change(change: PlaceChange): Promise<void>
  /** The places that the audience may see, with something shared in them. At most 50, those used last first. */
  visible(audience: PlaceAudience): Promise<SearchedPlace[]>
  /** Whether something of these bytes was shared where the audience may see it. */
  maySee(audience: PlaceAudience, contentHash: string): Promise<boolean>
  /** Deletes places where nothing is shared any more. */
  sweep(): Promise<void>
}

export interface PlaceDeps {
  rows: PlaceRows
  /** Of a platform; nothing where its places are direct chats alone, or where this process does not know it. */
  places(platform: string): Places | undefined
  log: Log
  limits?: Partial<typeof placeLimits>
}

export const placeLimits = {
  /** How long a search waits for platforms, and how long a question to one of them goes on for the next search. */
  waitMs: 1_000,
  /** The same for a name that is missing in a citation. */
  nameMs: 500,
  askMs: 5_000,
  /** Of one search. */
  questions: 40,
  atOnce: 8,
}

export interface PlaceReaders {
  /** Returns when all is known, or the deadline has passed. Never throws because of a platform. */
  refresh(audience: PlaceAudience, signal: AbortSignal): Promise<void>
  /**
   * What people call these places. Where nobody asked before, their platforms are asked now; what one does not tell in time has no name
   * here. Never throws because of a platform.
   */
  names(keys: readonly string[], signal: AbortSignal): Promise<Map<string, Pick<SearchedPlace, 'kind' | 'name'>>>
  /** Whether this person alone may read something that was shared, now. */
  maySee(asker: AudienceAsker, contentHash: string, signal: AbortSignal): Promise<boolean>
  /** The places that a search for an audience covers, as far as somebody who asks why may see them; those used last first. */
  searched(audience: PlaceAudience, viewer: AudienceAsker, signal: AbortSignal): Promise<SearchedPlace[]>
  /** Whether anything was shared that the audience may see. */
  holdsAny(audience: PlaceAudience): Promise<boolean>
  change(change: PlaceChange): Promise<void>
}

export function createPlaceReaders({ rows, places, log, limits: given }: PlaceDeps): PlaceReaders {
  const limits = { ...placeLimits, ...given }

  async function answer(question: PlaceQuestion, signal: AbortSignal): Promise<PlaceAnswer | undefined> {
    const platform = places(question.place.platform)
    if (platform === undefined) return undefined
    try {
      if (question.ask === 'reader') {
        return { question, reads: await platform.canRead(question.place, question.account, { signal }) }
      }
      const facts = await platform.look(question.place, { signal })
      if (facts === null || facts.members === undefined || facts.members.length <= mostMembers)
        return { question, facts }
      return { question, facts: { ...facts, members: undefined } }
    } catch (error) {
      log.info({ platform: question.place.platform, ...errorFields(error) }, 'the readers of a place are not known')
      return undefined
    }
  }

  async function refresh(audience: PlaceAudience, signal: AbortSignal, contentHash?: string): Promise<void> {
    const { questions, askedAt } = await rows.stale(audience, { limit: limits.questions, contentHash })
    signal.throwIfAborted()
    await askAll(questions, { askedAt, room: audience.place, waitMs: limits.waitMs }, signal)
    signal.throwIfAborted()
  }

  /** Answers what platforms said in time; all is stored. */
  async function askAll(
    questions: readonly PlaceQuestion[],
    { askedAt, room, waitMs }: { askedAt: Date; room: string; waitMs: number },
    signal: AbortSignal,
  ): Promise<PlaceAnswer[]> {
    if (questions.length === 0) return []
    const known: PlaceAnswer[] = []
    const gate = createSemaphore(limits.atOnce)
    const longest = AbortSignal.timeout(limits.askMs)
    const asking = Promise.all(
      questions.map(async (question) => {
        const leave = await gate.enter(longest).catch(() => undefined)
        if (leave === undefined) return
        try {
          const answered = await answer(question, longest)
          if (answered !== undefined) known.push(answered)
        } finally {
          leave()
        }
      }),
    )
    const save = async () => {
      const answers = known.splice(0)
      if (answers.length > 0) await rows.save(answers, askedAt, room)
      return answers
    }
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), waitMs)
    const over = AbortSignal.any([late.signal, signal])
    try {
      await Promise.race([
        asking,
        new Promise<void>((done) => over.addEventListener('abort', () => done(), { once: true })),
      ])
    } finally {
      clearTimeout(timer)
    }
    // What comes later is for the next search.
    asking
      .then(save)
      .catch((error: unknown) => log.warn(errorFields(error), 'the readers of places could not be stored'))
    return await save()
  }

  return {
    refresh,
    async names(keys, signal) {
      const { questions, askedAt } = await rows.nameless(keys)
      const answers = await askAll(questions, { askedAt, room: '', waitMs: limits.nameMs }, signal)
      return new Map(
        answers.flatMap(({ question, facts }) =>
          facts ? [[placeKey(question.place), { kind: facts.kind, name: facts.name }] as const] : [],
        ),
      )
    },
    async maySee(asker, contentHash, signal) {
      const audience = { place: '', asker }
      await refresh(audience, signal, contentHash)
      return await rows.maySee(audience, contentHash)
    },
    async searched(audience, viewer, signal) {
      const own = { place: audience.place, asker: viewer }
      await Promise.all([refresh(audience, signal), refresh(own, signal)])
      const [all, seen] = await Promise.all([rows.visible(audience), rows.visible(own)])
      const keys = new Set(seen.map(({ key }) => key))
      return all.filter(({ key }) => keys.has(key))
    },
    holdsAny: async (audience) => (await rows.visible(audience)).length > 0,
    change: rows.change,
  }
}
