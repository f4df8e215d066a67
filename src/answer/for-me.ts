/**
 * "Search what only I can see": under an answer that a room reads, for the person who presses it alone. It quotes what fits the question from
 * places that this person may see and the room may not, as that is at this moment. The button is there whether there is more or not, so
 * it tells nobody anything.
 */
import { describePosition } from '../core/artifact.ts'
import type { Notice } from '../core/command.ts'
import type { Author } from '../core/message.ts'
import type { Capabilities } from '../core/platform.ts'
import { spenderOf } from '../core/scope.ts'
import { addressOf, sourceLabel } from '../core/source.ts'
import { chooseQuotes } from '../models/extract-passages.ts'
import { plainQuestion } from '../prompt/question-parts.ts'
import type { RulesOf } from '../routing/rules.ts'
import { type Memory, memoryFloor, sharedFacts } from '../search/memory.ts'
import { askerOf, type PassageIndex, type RankedPassage } from '../search/passages.ts'
import type { Turns } from '../store/turns.ts'
import { forMeWording } from '../wording/search.ts'

export interface ForMeDeps {
  turns: Pick<Turns, 'about' | 'questionOf'>
  memory: Memory
  index: Pick<PassageIndex, 'read'>
  rules: RulesOf
  /** Where ids of the platform's authors are unique. */
  accounts(platform: string): Capabilities['accounts']
  /** Waits for the search. */
  waitMs?: number
}

/** `by` has been allowed to see the answer. */
export async function searchForMe(deps: ForMeDeps, turnId: string, by: Author): Promise<Notice> {
  const { turns, memory, index, rules, waitMs = 8_000 } = deps
  const [about, messages] = await Promise.all([turns.about(turnId), turns.questionOf(turnId)])
  const question = plainQuestion({ messages })
  if (about === null || question.trim() === '') return notice(forMeWording.noQuestion)
  const { conversation, conversationKey, placeKey: place } = about
  if (about.direct || about.private) return notice(forMeWording.alone)
  const spender = spenderOf(conversation, by)
  const { policy } = await rules(spender)
  if (!policy.memory) return notice(forMeWording.off)
  const signal = AbortSignal.timeout(waitMs)
  const room = { conversation: conversationKey, place }
  const alone = { ...room, asker: askerOf(conversation, by, deps.accounts(conversation.platform)) }
  const asked = { audience: alone, except: [], floor: memoryFloor.alone, localOnly: policy.localOnly }
  const found = await memory.find(question, { ...asked, signal, spender, turnId })
  const seen = new Set((await index.read(found, { audience: room, signal })).map(({ contentHash }) => contentHash))
  const more = found.filter(({ contentHash }) => !seen.has(contentHash))
  return notice(await quoted(question, more, signal))
}

const notice = (text: string): Notice => ({ text, private: true })

async function quoted(question: string, found: readonly RankedPassage[], signal: AbortSignal): Promise<string> {
  const numbers = new Map([...new Set(found.map(({ contentHash }) => contentHash))].map((hash, at) => [hash, at + 1]))
  const passages = found.map((passage) => {
    const { at, text, contentHash, share } = passage
    const source = sourceLabel(numbers.get(contentHash) ?? 0, at)
    return { passage, part: { type: 'passage' as const, source, title: share?.title ?? '', at, text } }
  })
  const { quotes } = await chooseQuotes(
    question,
    passages.map(({ part }) => part),
    signal,
  )
  const blocks = quotes.flatMap(({ passage: part, lines }) => {
    const share = passages.find((each) => each.part === part)?.passage.share
    if (share === undefined) return []
    const { title, link } = share
    const address = addressOf({ source: { url: link }, at: part.at })
    return [
      forMeWording.quote({
        title,
        address,
        place: describePosition(part.at, title),
        shared: sharedFacts(share),
        lines,
      }),
    ]
  })
  return blocks.length === 0 ? forMeWording.nothing : [forMeWording.found, ...blocks].join('\n\n')
}
