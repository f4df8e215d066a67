/** How an answer came about: `why`, and the Why button under an answer. */
import type { Notice } from '../../core/command.ts'
import { ParleyError } from '../../core/errors.ts'
import type { Author } from '../../core/message.ts'
import type { Receipt } from '../../core/reply.ts'
import { describeDecision } from '../../core/route-decision.ts'
import type { Turns } from '../../store/turns.ts'
import type { AnswerCall, Usage } from '../../store/usage.ts'
import { whyWording } from '../../wording/commands-money.ts'
import { bulleted } from '../../wording/phrases.ts'
import { arg, type Command, define } from '../define.ts'

export interface WhyDeps {
  turns: Pick<Turns, 'about' | 'ended'>
  usage: Pick<Usage, 'calls' | 'latestTurn'>
}

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
          (await deps.usage.latestTurn(conversation, own ? author.id : undefined)) ??
          (which === undefined ? await deps.usage.latestTurn(conversation) : null)
        if (turnId === null) return { text: whyWording.nothingYet, private: true }
        return { ...(await explain(deps, turnId, author)), private: true }
      },
    }),
  ]
}

/** For everyone who can see the answer. Throws `turn_not_found`. */
export async function explain({ turns, usage }: WhyDeps, turnId: string, by: Author): Promise<Notice> {
  const [about, ended, calls] = await Promise.all([turns.about(turnId), turns.ended(turnId), usage.calls(turnId)])
  if (about === null || (about.private && about.author.id !== by.id))
    throw new ParleyError('turn_not_found', whyWording.gone)
  if (ended === null) return { text: whyWording.stillRunning }
  const decision = ended.route === undefined ? '' : describeDecision(ended.route)
  return { text: [bulleted(linesOf(ended.receipt, calls, decision)), decision].join('\n\n').trim() }
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
    ...notices,
  ]
}

function modelLines({ provider, model, reason }: Receipt, decision: string): string[] {
  const why = decision.includes(reason) ? '' : reason
  const who = provider === 'none' ? '' : whyWording.model(`${provider}/${model}`)
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
