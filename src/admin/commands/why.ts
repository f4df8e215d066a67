/** How an answer came about: `why`, and the Why button under an answer. */
import type { Notice } from '../../core/command.ts'
import { ParleyError } from '../../core/errors.ts'
import type { Author } from '../../core/message.ts'
import { placeName } from '../../core/place.ts'
import type { Capabilities } from '../../core/platform.ts'
import type { Receipt } from '../../core/reply.ts'
import { describeDecision } from '../../core/route-decision.ts'
import { askerOf } from '../../search/passages.ts'
import type { PlaceReaders } from '../../search/places.ts'
import type { TurnAbout, Turns } from '../../store/turns.ts'
import type { AnswerCall, Usage } from '../../store/usage.ts'
import { whyWording } from '../../wording/commands-money.ts'
import { bulleted } from '../../wording/phrases.ts'
import { memoryWording } from '../../wording/search.ts'
import { toolWording } from '../../wording/tools.ts'
import { arg, type Command, define } from '../define.ts'

export interface WhyDeps {
  turns: Pick<Turns, 'about' | 'ended'>
  usage: Pick<Usage, 'calls' | 'latestTurn'>
  /** Whether answers on the platform show what their model thought. */
  showsThoughts(platform: string): boolean
  searchedPlaces: PlaceReaders['searched']
  /** Where ids of the platform's authors are unique. */
  accounts(platform: string): Capabilities['accounts']
}

const mostPlaces = 10
const searchedMs = 5_000

export function whyCommands(deps: WhyDeps): Command[] {
  return [
    define({
      name: 'why',
      summary: 'Shows the model, cost, times and files of the last answer here',
      role: 'member',
      args: { which: arg.optional(arg.choice('The last answer here, or the last one to you', ['last', 'mine'])) },
      examples: ['why', 'why last', 'why mine'],
      async run({ which }, { call }) {
        const { conversation, author } = call
        // In a channel, outside a thread, the last answer may belong to someone else's thread, so prefer the person's own.
        const own = which === 'mine' || (which === undefined && conversation.threadId === undefined)
        const turnId =
          (await deps.usage.latestTurn(conversation, author.id, own ? 'own' : undefined)) ??
          (which === undefined ? await deps.usage.latestTurn(conversation, author.id) : null)
        if (turnId === null) return { text: whyWording.nothingYet, private: true }
        return { ...(await explain(deps, turnId, author)), private: true }
      },
    }),
  ]
}

/** For everyone who can see the answer. Throws `turn_not_found`. */
export async function explain(deps: WhyDeps, turnId: string, by: Author): Promise<Notice> {
  const { turns, usage, showsThoughts } = deps
  const [about, ended, calls] = await Promise.all([turns.about(turnId), turns.ended(turnId), usage.calls(turnId)])
  if (about === null || (about.private && about.author.id !== by.id))
    throw new ParleyError('turn_not_found', whyWording.gone)
  if (ended === null) return { text: whyWording.stillRunning }
  const decision = ended.route === undefined ? '' : describeDecision(ended.route)
  const { thoughts } = ended.receipt
  const thought =
    thoughts === undefined || showsThoughts(about.conversation.platform) ? '' : whyWording.thoughts(thoughts)
  const searched = await searchedLine(deps, about, ended.receipt, by)
  const parts = [bulleted([...linesOf(ended.receipt, calls, decision), ...searched]), decision, thought]
  return { text: parts.filter((part) => part !== '').join('\n\n') }
}

/** `decision`: the text after these lines. */
function linesOf(receipt: Receipt, calls: AnswerCall[], decision: string): string[] {
  const { attachments, used, notices, attempts } = receipt
  return [
    ...modelLines(receipt, decision),
    costLine(receipt, calls),
    whyWording.time(receipt.ms),
    ...calls
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ provider, model }) => whyWording.failedCall(`${provider}/${model}`)),
    ...(attempts > 1 ? [whyWording.attempts(attempts)] : []),
    ...attachments.map(({ name, summary }) => whyWording.attachment(name, summary)),
    ...(used === undefined ? [] : [whyWording.sent(used.summary)]),
    ...webLines(receipt.web),
    ...(receipt.memory?.files ?? []).map((file) => whyWording.sharedFile(file)),
    ...(receipt.memory?.words === undefined ? [] : [memoryWording.words(receipt.memory.words)]),
    ...(receipt.tools ?? []).map(toolWording.receipt),
    ...notices,
  ]
}

/** The places that a search for this answer covers today, of those that the one who asks may see. */
async function searchedLine(
  { searchedPlaces, accounts }: WhyDeps,
  { conversation, placeKey: place, author, direct, private: alone }: TurnAbout,
  { memory }: Receipt,
  by: Author,
): Promise<string[]> {
  if (memory === undefined) return []
  const asker = (who: Author) => askerOf(conversation, who, accounts(conversation.platform))
  const audience = { place, asker: direct || alone ? asker(author) : undefined }
  const found = await searchedPlaces(audience, asker(by), AbortSignal.timeout(searchedMs))
  const names = [...new Set(found.flatMap((each) => placeName(each) ?? []))]
  return names.length === 0 ? [] : [whyWording.searchedPlaces(names.slice(0, mostPlaces), names.length > mostPlaces)]
}

function webLines(web: Receipt['web']): string[] {
  if (web === undefined) return []
  return [
    web.because,
    ...web.queries.map(({ query, found, problem }) => whyWording.query(web.engine ?? '', query, found, problem)),
    ...web.pages.map((page) => whyWording.page(page)),
  ]
}

function modelLines({ provider, model, modelLabel, reason }: Receipt, decision: string): string[] {
  const why = decision.includes(reason) ? '' : reason
  const who = provider === 'none' ? '' : whyWording.model(modelLabel ?? `${provider}/${model}`)
  return [`${who} ${why}`.trim()].filter((line) => line !== '')
}

function costLine({ costNanoUsd, usage }: Receipt, calls: AnswerCall[]): string {
  const paid = calls.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n)
  const cost = calls.length > 0 ? paid : costNanoUsd === null ? null : BigInt(costNanoUsd)
  const others = calls.filter(({ kind }) => kind !== 'answer')
  const parts = others.map(({ kind, cost }) => ({ kind, cost: cost ?? 0n }))
  const costs = cost === null ? whyWording.noCost : whyWording.cost(cost, parts)
  return usage === undefined ? costs : `${costs}. ${whyWording.tokens(usage, usage.source === 'estimated')}`
}
