import { expect, it } from 'vitest'
import { speechSegments } from './speech.ts'

const words = (text: string) => text.split(/\s+/).length
const spoken = (text: string, fromMs: number, toMs: number) => ({ text, fromMs, toMs })

it('short utterances become segments of about twenty seconds that end with a sentence', () => {
  const transcription = Array.from({ length: 30 }, (_, place) =>
    spoken(place % 3 === 2 ? 'and that was it.' : 'then we went on', place * 3_000, place * 3_000 + 2_500),
  )
  const { segments } = speechSegments(transcription, 1e6, words)
  for (const { text, at } of segments.slice(0, -1)) {
    expect(text).toMatch(/it\.$/)
    if (at.kind === 'time') expect(at.toMs - at.fromMs).toBeLessThanOrEqual(45_000)
  }
  expect(segments.length).toBeGreaterThanOrEqual(3)
  expect(segments.map(({ text }) => text).join(' ')).toBe(transcription.map(({ text }) => text).join(' '))
})

it('a long text without times is cut into sentences, each with its share of the time', () => {
  const text = Array.from({ length: 40 }, (_, place) => `This is sentence number ${place} of the talk.`).join(' ')
  const { segments } = speechSegments([spoken(text, 60_000, 360_000)], 1e6, words)
  expect(segments.map((segment) => segment.text).join(' ')).toBe(text)
  expect(segments.length).toBeGreaterThan(5)
  expect(segments[0]?.at).toMatchObject({ kind: 'time', fromMs: 60_000 })
  expect(segments.at(-1)?.at).toMatchObject({ kind: 'time', toMs: 360_000 })
})

it('text without a full stop is cut between words', () => {
  const text = Array.from({ length: 500 }, (_, place) => `word${place}`).join(' ')
  const { segments } = speechSegments([spoken(text, 0, 600_000)], 1e6, words)
  expect(segments.map((segment) => segment.text).join(' ')).toBe(text)
})

it('Chinese text stays without spaces', () => {
  const { segments } = speechSegments([spoken('我们今天', 0, 1_000), spoken('讨论预算。', 1_000, 2_000)], 1e6, words)
  expect(segments.map(({ text }) => text)).toEqual(['我们今天讨论预算。'])
})

it('says where the character limit ended it', () => {
  const transcription = [spoken('One sentence here.', 0, 30_000), spoken('Another one.', 40_000, 70_000)]
  expect(speechSegments(transcription, 20, words)).toMatchObject({
    segments: [{ text: 'One sentence here.' }],
    cutAtMs: 40_000,
  })
})
