/** The part of gathering that finds files shared earlier, and what the answer's receipt says of them. */
import { traced } from '../core/events.ts'
import type { Source } from '../core/source.ts'
import type { BesideExcerpt } from '../prompt/content.ts'
import type { Attempts } from '../routing/metered-call.ts'
import { isSure, memoryFloor, merged, sharedSource } from '../search/memory.ts'
import type { RankedPassage, ShareFacts } from '../search/passages.ts'
import { subjectTerms } from '../search/terms.ts'
import { ownWords } from '../search/web-queries.ts'
import { mostEarlierFiles } from '../store/turns.ts'
import { type AnswerDeps, searchMs } from './deps.ts'
import { otherWords } from './other-words.ts'
import type { Question } from './question.ts'
import { asksSomething, retrievalText } from './retrieval-text.ts'

export interface FromMemory {
  /** What else was searched for, because the question's own words found little. */
  words: string[]
  found: { source: Source; share: ShareFacts }[]
  late: boolean
}

type MemoryDeps = Pick<AnswerDeps, 'memory' | 'models' | 'limits' | 'log'>

/**
 * What was shared earlier. It is no stored step: finding it again after a crash gives what may be seen then. A program that composes its
 * own prompt gets nothing that it did not send.
 */
export async function searchMemory(
  deps: MemoryDeps,
  question: Question,
  attempts: Attempts,
  signal: AbortSignal,
  note: (sentence: string) => void,
): Promise<Remembered | undefined> {
  const { memory, limits } = deps
  const { work, files, audience, spender, rules } = question
  if (memory === undefined || !remembers(memory, question)) return undefined
  const hasFiles = work.attachments.length > 0
  const deadline = AbortSignal.timeout(limits.searchMs ?? searchMs)
  const within = AbortSignal.any([signal, deadline])
  const { text, own } = retrievalText(ownWords(question.text) || question.text, work.history)
  const find = (words: string, floor: number) =>
    memory.find(words, {
      audience,
      except: files.map(({ contentHash }) => contentHash),
      floor,
      signal: within,
      ...{ spender, turnId: work.id, localOnly: rules.policy.localOnly, note },
    })
  let words: string[] = []
  let first: RankedPassage[] = []

  async function findAll(): Promise<RankedPassage[]> {
    if (subjectTerms(text).length === 0) return []
    const passages = await find(text, hasFiles ? memoryFloor.besideFiles : memoryFloor.alone)
    first = passages
    const isEnough = memory?.otherWords !== true || passages.some(isSure(text)) || hasFiles || !asksSomething(own)
    if (isEnough || !(await memory.holds(audience))) return passages
    words = await otherWords(deps, { ...question, text: own }, attempts, within)
    return words.length === 0 ? passages : merged(passages, await find(words.join(' '), memoryFloor.alone))
  }
  return await traced(
    'parley:retrieval',
    { turnId: work.id, retriever: 'memory' },
    async () => {
      try {
        return { passages: await findAll(), words, late: false }
      } catch (thrown) {
        if (!deadline.aborted || signal.aborted) throw thrown
        return { passages: first, words, late: true }
      }
    },
    ({ passages, late }) => ({ found: passages.length, late }),
  )
}

/** Whether files shared earlier are searched for this question. */
export function remembers(memory: AnswerDeps['memory'], { work, text, rules }: Question): boolean {
  if (memory === undefined || !rules.policy.memory || text.trim() === '') return false
  if (work.messages.at(-1)?.program !== undefined) return false
  // Files of the conversation itself are given in any case, but for the oldest of very many.
  if (!work.sharedElsewhere && work.earlierFiles.length < mostEarlierFiles) return false
  // A question about a file that could not be read: passages of others would hide that.
  return work.attachments.length === 0 || work.attachments.some(({ state }) => state === 'read')
}

interface Remembered {
  passages: RankedPassage[]
  words: string[]
  late: boolean
}

export function rememberedExcerpts(
  found: Remembered | undefined,
  { sources }: Question,
): { memory?: BesideExcerpt[]; fromMemory?: FromMemory } {
  if (found === undefined) return {}
  const shares = new Map<Source, ShareFacts>()
  const memory = found.passages.flatMap(
    ({ contentHash, engine, ordinal, at, text, tokens, share, coverage, close }): BesideExcerpt[] => {
      if (share === undefined) return []
      const source = sources.add(sharedSource(contentHash, share))
      // What the web gave for this question is given as that page.
      if (source.kind !== 'memory') return []
      if (!shares.has(source)) shares.set(source, share)
      return [{ source, ordinal, at, text, tokens, coverage, close, engine }]
    },
  )
  return {
    memory,
    fromMemory: {
      words: found.words,
      late: found.late,
      found: [...shares].map(([source, share]) => ({ source, share })),
    },
  }
}
