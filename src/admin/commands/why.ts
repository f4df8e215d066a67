/** Why an answer is as it is: `why`, and the button under an answer. */
import type { Notice } from '../../core/command.ts'
import { ParleyError } from '../../core/errors.ts'
import type { Author } from '../../core/message.ts'
import { formatUsd } from '../../core/money.ts'
import type { Receipt } from '../../core/reply.ts'
import { describeDecision } from '../../core/route-decision.ts'
import type { Turns } from '../../store/turns.ts'
import type { AnswerCall, Usage } from '../../store/usage.ts'
import { arg, type Command, define } from '../define.ts'
import { bulleted, code, many } from '../text.ts'

export interface WhyDeps {
  turns: Pick<Turns, 'about' | 'ended'>
  usage: Pick<Usage, 'calls' | 'latestTurn'>
}

export function whyCommands(deps: WhyDeps): Command[] {
  return [
    define({
      name: 'why',
      summary: 'Why the last answer here is as it is: its model, cost, times and files',
      role: 'member',
      args: { which: arg.optional(arg.choice('The last here, or your own last here', ['last', 'mine'])) },
      examples: ['why', 'why last', 'why mine'],
      async run({ which }, { call }) {
        const { conversation, author } = call
        // Typed in a channel, not in a thread, the last answer may belong to somebody else's thread: one's own is meant.
        const own = which === 'mine' || (which === undefined && conversation.threadId === undefined)
        const turnId =
          (await deps.usage.latestTurn(conversation, own ? author.id : undefined)) ??
          (which === undefined ? await deps.usage.latestTurn(conversation) : null)
        if (turnId === null) return { text: 'There is no answer here yet. Ask something first.', private: true }
        return { ...(await explain(deps, turnId, author)), private: true }
      },
    }),
  ]
}

/** For whoever may see the answer. Throws `turn_not_found`. */
export async function explain({ turns, usage }: WhyDeps, turnId: string, by: Author): Promise<Notice> {
  const [about, ended, calls] = await Promise.all([turns.about(turnId), turns.ended(turnId), usage.calls(turnId)])
  if (about === null || (about.private && about.author.id !== by.id))
    throw new ParleyError('turn_not_found', 'That answer is no longer here. Please ask the question again.')
  if (ended === null) return { text: 'That answer is still being written. Ask again when it has ended.' }
  const decision = ended.route === undefined ? '' : describeDecision(ended.route)
  return { text: [bulleted(linesOf(ended.receipt, calls, decision)), decision].join('\n\n').trim() }
}

/** `decision`: what is told after these lines. */
function linesOf(receipt: Receipt, calls: AnswerCall[], decision: string): string[] {
  const { attachments, used, notices: alerts, attempts } = receipt
  return [
    ...modelLines(receipt, decision),
    costLine(receipt, calls),
    timeLine(receipt),
    ...calls
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ provider, model }) => `${code(`${provider}/${model}`)} was asked and failed`),
    ...(attempts > 1 ? [`It took ${many(attempts, 'start')}`] : []),
    ...attachments.map(({ name, summary }) => `${code(name)}: ${summary}`),
    ...(used === undefined ? [] : [`Given to the model: ${used.summary}`]),
    ...alerts,
  ]
}

function modelLines({ provider, model, reason }: Receipt, decision: string): string[] {
  const why = decision.includes(reason) ? '' : reason
  const who = provider === 'none' ? '' : `Answered by ${code(`${provider}/${model}`)}.`
  return [`${who} ${why}`.trim()].filter((line) => line !== '')
}

function costLine({ costNanoUsd, usage }: Receipt, calls: AnswerCall[]): string {
  const paid = calls.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n)
  const cost = calls.length > 0 ? paid : costNanoUsd === null ? null : BigInt(costNanoUsd)
  const others = calls.filter(({ kind }) => kind !== 'answer')
  const parts = others.map(({ kind, cost }) => `${formatUsd(cost ?? 0n)} for ${kind}`)
  const said =
    cost === null
      ? 'Cost: not known, because the price is not'
      : `Cost: ${formatUsd(cost)}${parts.length === 0 ? '' : `, ${parts.join(', ')}`}`
  if (usage === undefined) return said
  const { input, output, cacheRead, reasoning, source } = usage
  const cached = cacheRead === 0 ? '' : ` (${cacheRead.toLocaleString('en')} from the cache)`
  const thought = reasoning === 0 ? '' : ` (${reasoning.toLocaleString('en')} of them thinking)`
  const rough = source === 'estimated' ? ', estimated' : ''
  return `${said}. Tokens: ${input.toLocaleString('en')} in${cached}, ${output.toLocaleString('en')} out${thought}${rough}`
}

function timeLine({ ms }: Receipt): string {
  const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`
  const first = ms.firstText === null ? '' : `, first words after ${seconds(ms.firstText)}`
  return `Time: ${seconds(ms.total)} in all${first}, waited ${seconds(ms.queued)} to start`
}
