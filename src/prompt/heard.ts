/**
 * A voice note is what its sender says: without other words in the turn, it is the question and not a file to be asked about.
 * What was heard opens the reply, so that a wrong answer to a misheard question is seen as such.
 */
import type { Artifact } from '../core/artifact.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import type { StoredAttachment, TurnWork } from '../store/turns.ts'
import { plainQuestion } from './compose.ts'

/** A recording that nobody called a voice note is one while it is as short as a question; a longer one is a file. */
const longestQuestionMs = 180_000
const mostShown = 400

export interface HeardQuestion {
  /** The turn with what was heard as its text, and without the recordings that are its question. */
  work: TurnWork
  /** Opens the reply; empty when the question was written. */
  opening: string
}

export async function hearQuestion(
  work: TurnWork,
  artifacts: (keys: ArtifactKey[]) => Promise<Artifact[]>,
): Promise<HeardQuestion> {
  const written = { work, opening: '' }
  if (plainQuestion(work) !== '') return written
  const notes = work.attachments.filter(isRead).filter(({ attachment }) => attachment.voiceNote)
  const onlySound = work.attachments.every(({ receipt }) => receipt?.mediaType?.startsWith('audio/'))
  const candidates = notes.length > 0 ? notes : onlySound ? work.attachments.filter(isRead) : []
  if (candidates.length === 0) return written
  const heard = await artifacts(candidates)
  const said = candidates.flatMap((file) => {
    const artifact = heard.find(({ contentHash }) => contentHash === file.contentHash)
    const text = artifact?.segments.map((segment) => segment.text).join(' ') ?? ''
    const short = file.attachment.voiceNote || (artifact?.durationMs ?? 0) <= longestQuestionMs
    return text.trim() !== '' && short ? [{ file, text: text.trim() }] : []
  })
  const [first, ...others] = work.messages
  if (said.length === 0 || first === undefined) return written
  const text = said.map((each) => each.text).join('\n\n')
  const asked = new Set(said.map(({ file }) => file.id))
  const attachments = work.attachments.map((file) => (asked.has(file.id) ? { ...file, contentHash: null } : file))
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
  return `> *Heard:* ${shown}\n\n`
}
