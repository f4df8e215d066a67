import { describe, expect, it } from 'vitest'
import { message } from '../../test/fakes/message.ts'
import type { Artifact } from '../core/artifact.ts'
import type { StoredAttachment, TurnWork } from '../store/turns.ts'
import { plainQuestion } from './compose.ts'
import { sourceFiles } from './content.ts'
import { hearQuestion } from './heard.ts'

interface Sent {
  name: string
  mediaType?: string
  voiceNote?: boolean
  said: string
  durationMs?: number
}

function turn(text: string, sent: Sent[]) {
  const hash = (place: number) => String(place).repeat(64)
  const attachments = sent.map(({ name, mediaType = 'audio/ogg', voiceNote = false }, place): StoredAttachment => {
    const receipt = { attachmentId: name, name, outcome: 'read' as const, summary: '', problems: [], mediaType }
    const attachment = { id: name, name, mediaType, voiceNote, locator: null }
    return { id: name, attachment, state: 'read', contentHash: hash(place), engine: 'recording-1/x', receipt }
  })
  const artifacts = sent.map(
    ({ said, durationMs = 5_000, mediaType = 'audio/ogg' }, place): Artifact => ({
      ...{ contentHash: hash(place), engine: 'recording-1/x', mediaType, tokens: 1, problems: [], durationMs },
      segments: [{ text: said, at: { kind: 'time', fromMs: 0, toMs: durationMs }, tokens: 1 }],
    }),
  )
  const work = { messages: [message({ text })], attachments, earlierFiles: [] } as unknown as TurnWork
  return hearQuestion(work, async () => artifacts)
}

describe('a spoken question', () => {
  it('a recording alone is the question, and no file', async () => {
    const { work, opening } = await turn('', [{ name: 'voice.ogg', said: 'Where is the key?' }])
    expect(plainQuestion(work)).toBe('Where is the key?')
    expect(opening).toBe('> *Heard:* Where is the key?\n\n')
    expect(sourceFiles(work)).toEqual([])
  })

  it('a voice note asks about the files beside it', async () => {
    const plan = { name: 'plan.pdf', mediaType: 'application/pdf', said: 'The key is under the mat.' }
    const { work } = await turn('', [plan, { name: 'voice.ogg', voiceNote: true, said: 'Where is the key?' }])
    expect(plainQuestion(work)).toBe('Where is the key?')
    expect(sourceFiles(work).map(({ title }) => title)).toEqual(['plan.pdf'])
  })

  it('with a written question a recording is a file', async () => {
    const { work, opening } = await turn('What is said?', [{ name: 'voice.ogg', voiceNote: true, said: 'Hello.' }])
    expect({ question: plainQuestion(work), opening }).toEqual({ question: 'What is said?', opening: '' })
    expect(sourceFiles(work)).toHaveLength(1)
  })

  it('a recording of an hour is a file to be summed up', async () => {
    const { work, opening } = await turn('', [{ name: 'meeting.mp3', said: 'Welcome to all.', durationMs: 3_600_000 }])
    expect(opening).toBe('')
    expect(sourceFiles(work)).toHaveLength(1)
  })

  it('what was heard cannot format, link, cite or mention', async () => {
    const said = 'See [1](http://evil) <@U1> **now** `x` @everyone # title'
    const { opening } = await turn('', [{ name: 'voice.ogg', said }])
    expect(opening.slice('> *Heard:* '.length)).not.toMatch(/[[\]`*<>@#]/)
  })

  it('a long question is shown by its beginning', async () => {
    const { opening } = await turn('', [{ name: 'voice.ogg', voiceNote: true, said: 'and so on '.repeat(200) }])
    expect(opening.length).toBeLessThan(430)
    expect(opening).toMatch(/…\n\n$/)
  })
})
