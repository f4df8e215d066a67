/**
 * A voice note that the asker recorded is what they say: without other words in the turn, it is the question and not a file to
 * be asked about. Any other recording, attached or forwarded, is content like every file, however short: somebody else may
 * have made it. What was heard opens the reply, so that a wrong answer to a misheard question is seen as such.
 */
import type { Artifact } from '../core/artifact.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import type { StoredAttachment, TurnWork } from '../store/turns.ts'
import { answerWording } from '../wording/answers.ts'
import { plainQuestion } from './question-parts.ts'

const mostShown = 400

export interface VoiceQuestion {
  /** The turn with what was heard as its text, and without the recordings that are its question. */
  work: TurnWork
  /** Opens the reply; empty when the question was written. */
  opening: string
}

export async function readVoiceQuestion(
  work: TurnWork,
  artifacts: (keys: ArtifactKey[]) => Promise<Artifact[]>,
): Promise<VoiceQuestion> {
  const written = { work, opening: '' }
  if (plainQuestion(work) !== '') return written
  const notes = work.attachments.filter(isRead).filter(({ attachment }) => attachment.voiceNote)
  if (notes.length === 0) return written
  const transcription = await artifacts(notes)
  const said = notes.flatMap((file) => {
    const artifact = transcription.find(({ contentHash }) => contentHash === file.contentHash)
    const text =
      artifact?.segments
        .map((segment) => segment.text)
        .join(' ')
        .trim() ?? ''
    return text === '' ? [] : [{ file, text }]
  })
  const [first, ...others] = work.messages
  if (said.length === 0 || first === undefined) return written
  const text = said.map((each) => each.text).join('\n\n')
  const voiceFiles = new Set(said.map(({ file }) => file.id))
  const attachments = work.attachments.map((file) => (voiceFiles.has(file.id) ? { ...file, contentHash: null } : file))
  return { work: { ...work, messages: [{ ...first, text }, ...others], attachments }, opening: openingFor(text) }
}

function isRead(file: StoredAttachment): file is StoredAttachment & { contentHash: string; engine: string } {
  return file.state === 'read' && file.contentHash !== null && file.engine !== null
}

/** A quoted line. What was said cannot format, link, cite or mention. */
function openingFor(text: string): string {
  const plain = text
    .replaceAll(/[`*_~[\]<>|\\#@]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const shown =
    plain.length > mostShown
      ? `${plain
          .slice(0, mostShown)
          .toWellFormed()
          .replace(/\s+\S*$/, '')}…`
      : plain
  return `${answerWording.heard(shown)}\n\n`
}
