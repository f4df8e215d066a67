/** Pure: what every dialect says of an answer, whatever its words for it. */
import { samplingWords } from '../../src/core/message.ts'
import { decimalUsd } from '../../src/core/money.ts'
import type { Receipt } from '../../src/core/reply.ts'
import { addressOf, describeCited } from '../../src/core/source.ts'
import type { Ended } from './answer-events.ts'

export type EndReason = 'stop' | 'calls' | 'length' | 'filter'

export function endReason({ finish, calls = [] }: Receipt): EndReason {
  if (finish === 'length' || finish === 'truncated') return 'length'
  if (finish === 'refusal' || finish === 'filter') return 'filter'
  return calls.length > 0 ? 'calls' : 'stop'
}

/** What Parley has to say of an answer, beside it: its text is the model's alone, for programs that read it. */
export function aboutAnswer({ citations, receipt }: Ended, ignored: readonly string[]) {
  const all = [...new Set([...ignored, ...(receipt.ignored ?? []).map(parameterName)])]
  return {
    sources: citations.map(({ n, source, at, quote }) => ({
      n,
      title: source.title,
      place: describeCited({ source, at }),
      kind: source.kind,
      shared: source.shared,
      url: addressOf({ source, at }),
      quote,
    })),
    files: receipt.attachments.map(({ name, outcome, summary }) => ({ name, outcome, summary })),
    notices: receipt.notices,
    reason: receipt.reason,
    cost_usd: receipt.costNanoUsd === null ? undefined : Number(decimalUsd(BigInt(receipt.costNanoUsd))),
    cut_messages: receipt.cutMessages,
    ignored: all.length === 0 ? undefined : all,
  }
}

export type AboutAnswer = ReturnType<typeof aboutAnswer> & { restarted?: true }

function parameterName(name: string): string {
  return samplingWords[name as keyof typeof samplingWords] ?? name
}
