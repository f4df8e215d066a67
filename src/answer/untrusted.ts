/**
 * Whether an answer may rest on what somebody else wrote: then whatever a model wants to change is asked about, and no standing
 * permission counts. It is derived from what is stored of the turn, so that a crash forgets nothing. Files count whoever sent them:
 * a mail that the asker forwards was still written by somebody else.
 */
import type { PastTurn, TurnWork } from '../store/turns.ts'
import { type UntrustedReason, untrustedReasons } from '../wording/tools.ts'
import type { Question } from './question.ts'
import type { KeptResult } from './tool-calls.ts'

export function untrustedReasonsOf(
  { work, sources }: { work: Pick<TurnWork, 'messages' | 'history'>; sources: Question['sources'] },
  results: readonly Pick<KeptResult, 'openWorld' | 'byParley'>[],
): UntrustedReason[] {
  const { messages, history } = work
  const asker = messages[0]?.author.id
  const isOthers = ({ messages: said }: Pick<PastTurn, 'messages'>) =>
    said.some(({ author, quoted = '' }) => author.id !== asker || quoted.trim() !== '')
  const kinds = new Set(sources.all().map(({ kind }) => kind))
  const found: Record<UntrustedReason, boolean> = {
    web: kinds.has('page'),
    tools: kinds.has('tool') || results.some(({ openWorld, byParley }) => openWorld && !byParley),
    files: kinds.has('file') || kinds.has('memory'),
    messages: isOthers({ messages }) || history.some(isOthers),
    history: history.some(({ untrusted }) => untrusted === true),
  }
  return untrustedReasons.filter((reason) => found[reason])
}
