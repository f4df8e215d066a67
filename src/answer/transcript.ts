/** For a program that wants a recording in words: its transcript is the answer, and no model is asked. */
import { type ErrorCode, errorCodes, ParleyError } from '../core/errors.ts'
import type { ReplyWriter } from '../reply/reply-writer.ts'
import type { StoredOutcome, TurnWork } from '../store/turns.ts'
import { receiptWording } from '../wording/answers.ts'
import { recordingWording } from '../wording/recordings.ts'
import type { AnswerDeps } from './deps.ts'
import { receiptBase } from './outcome.ts'

/** Throws what reading the recording ended with, and `file_unsupported` for what is no recording. */
export async function transcribed(
  { storage }: Pick<AnswerDeps, 'storage'>,
  work: TurnWork,
  replyWriter: ReplyWriter,
): Promise<StoredOutcome> {
  const [file] = work.attachments
  const { contentHash, engine, receipt } = file ?? {}
  if (receipt?.outcome === 'skipped' || !contentHash || !engine) {
    const problem = receipt?.problems[0]
    const code = problem === undefined ? 'file_unsupported' : codeOf(problem.code)
    throw new ParleyError(code, problem?.userMessage ?? receipt?.summary ?? recordingWording.noRecording)
  }
  const [artifact] = await storage.attachments.artifacts([{ contentHash, engine }])
  if (artifact === undefined || !/^(?:audio|video)\//.test(artifact.mediaType))
    throw new ParleyError('file_unsupported', recordingWording.noRecording)
  const segments = artifact.segments.flatMap(({ text, at }) =>
    at.kind === 'time' ? [{ text: text.trim(), fromMs: at.fromMs, toMs: at.toMs }] : [],
  )
  // A video may have been read by its pictures alone.
  const [failure] = artifact.problems
  if (segments.length === 0 && failure !== undefined) throw new ParleyError(codeOf(failure.code), failure.userMessage)
  const notices = [...artifact.problems.map(({ userMessage }) => userMessage), artifact.truncated ?? '']
  return {
    text: segments
      .map(({ text }) => text)
      .join(' ')
      .trim(),
    citations: [],
    state: 'done',
    receipt: {
      ...receiptBase(work, replyWriter),
      model: 'none',
      provider: 'none',
      reason: receiptWording.transcript,
      transcript: { segments, language: artifact.language, durationMs: artifact.durationMs },
      finish: 'stop',
      // The ledger has what hearing it cost; a recording that was heard before costs nothing.
      costNanoUsd: null,
      notices: notices.filter((notice) => notice !== ''),
    },
  }
}

function codeOf(code: string): ErrorCode {
  return Object.keys(errorCodes).find((known): known is ErrorCode => known === code) ?? 'file_unsupported'
}
