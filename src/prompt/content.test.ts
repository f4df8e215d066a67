import { describe, expect, test } from 'vitest'
import { cpuTimeOf } from '../../test/cpu-time.ts'
import { readSource } from '../../test/fakes/source.ts'
import type { Artifact, Segment } from '../core/artifact.ts'
import { describeUsed } from '../reply/receipt.ts'
import { noticeWording, usedWording } from '../wording/answers.ts'
import { type Candidates, chooseContent, contentNotices, describePages, pagesWanted } from './content.ts'

const page = (number: number): Segment => ({ text: `Page ${number}.`, at: { kind: 'page', page: number }, tokens: 100 })
const slide = (number: number): Segment => ({
  text: `Slide ${number}.`,
  at: { kind: 'slide', slide: number },
  tokens: 100,
})
const line: Segment = { text: 'A line.', at: { kind: 'lines', from: 1, to: 1 }, tokens: 100 }
const upTo = (count: number, of: (number: number) => Segment) => Array.from({ length: count }, (_, at) => of(at + 1))

function rig(contents: Record<string, Segment[]>): Candidates {
  const files = Object.entries(contents).map(([title, segments], at) =>
    readSource(at + 1, title, {
      contentHash: title,
      engine: 'test-1',
      tokens: 100 * segments.length,
      pages: segments.some(({ at }) => at.kind !== 'lines') ? segments.length : undefined,
    }),
  )
  const artifacts = files.map<Artifact>(({ contentHash, tokens }) => ({
    contentHash,
    engine: 'test-1',
    mediaType: 'text/plain',
    tokens,
    problems: [],
    segments: contents[contentHash] ?? [],
  }))
  const found = artifacts.flatMap(({ contentHash, engine, segments }) =>
    segments.map((segment, ordinal) => ({ ...segment, contentHash, engine, ordinal, score: 1 })),
  )
  return { files, artifacts: async () => artifacts, found, late: false }
}

async function given(contents: Record<string, Segment[]>, wanted: { from: number; to: number }, budget = 1e6) {
  const content = await chooseContent(rig(contents), budget, wanted)
  return {
    texts: content.excerpts.map(({ text }) => text),
    summary: describeUsed(content).summary,
    notices: contentNotices(content),
    content,
  }
}

describe('only the pages that were asked for', () => {
  test('in full when they fit', async () => {
    const { texts, summary, notices, content } = await given({ 'manual.pdf': upTo(30, page) }, { from: 10, to: 20 })
    expect(texts).toEqual(Array.from({ length: 11 }, (_, at) => `Page ${at + 10}.`))
    expect(summary).toBe(usedWording.asYouAsked(['pages 10–20 of manual.pdf'], true, 0))
    expect(notices).toEqual([])
    expect(content).toMatchObject({ tokens: 1100, tokensAvailable: 3000, whole: true })
  })

  test('the best matches of them when they do not', async () => {
    const { texts, summary } = await given({ 'manual.pdf': upTo(30, page) }, { from: 10, to: 20 }, 300)
    expect(texts).toEqual(['Page 10.', 'Page 11.', 'Page 12.'])
    expect(summary).toBe(usedWording.asYouAsked(['pages 10–20 of manual.pdf'], false, 0))
  })

  test('of each file as far as it has them; a file without pages stays', async () => {
    const files = {
      'manual.pdf': upTo(3, page),
      'short.pdf': upTo(1, page),
      'deck.pptx': upTo(9, slide),
      'a.txt': [line],
    }
    const { texts, summary } = await given(files, { from: 2, to: 5 })
    expect(texts).toEqual(['Page 2.', 'Page 3.', 'Slide 2.', 'Slide 3.', 'Slide 4.', 'Slide 5.', 'A line.'])
    expect(summary).toBe(
      usedWording.asYouAsked(['pages 2–3 of manual.pdf', 'slides 2–5 of deck.pptx', 'all of a.txt'], true, 1),
    )
  })

  test('are set aside with a notice when no file has them', async () => {
    const { texts, summary, notices } = await given({ 'manual.pdf': upTo(3, page) }, { from: 10, to: 20 })
    expect(texts).toHaveLength(3)
    expect(summary).toBe('all of manual.pdf')
    expect(notices).toEqual([noticeWording.pagesMissing('pages 10–20')])
  })
})

describe('a search that was late', () => {
  test('leaves parts of each file, and the receipt says so', async () => {
    const candidates = rig({ 'a.pdf': upTo(30, page), 'b.pdf': upTo(30, page) })
    const content = await chooseContent({ ...candidates, found: [], late: true }, 1_000)
    expect(new Set(content.excerpts.map(({ source }) => source.n))).toEqual(new Set([1, 2]))
    expect(content).toMatchObject({ whole: false, tokens: 1_000 })
    expect(contentNotices(content)).toEqual([noticeWording.searchTooSlow])
  })

  test('has no notice where it was not needed', async () => {
    const content = await chooseContent({ ...rig({ 'a.pdf': upTo(3, page) }), found: [], late: true }, 1_000)
    expect(contentNotices(content)).toEqual([])
  })
})

describe('a question that is restricted to pages', () => {
  test.each([
    ['Read only pages 10-20.', 10, 20],
    ['Summarise pages 10 to 20 please', 10, 20],
    ['pages 10 through 20: what is the point?', 10, 20],
    ['From page 10 to page 20, who signs?', 10, 20],
    ['What do p. 10–20 say?', 10, 20],
    ['pp. 10—20', 10, 20],
    ['Read only page 7', 7, 7],
    ['Use just the page 7.', 7, 7],
    ['Page 7 only, please', 7, 7],
    ['But please read only pages 10-20.', 10, 20],
    ['only slide 3', 3, 3],
    ['Nur Seiten 10 bis 20', 10, 20],
    ['Lies nur die Seite 7!', 7, 7],
    ['Was steht auf S. 10–20?', 10, 20],
    ['von Seite 10 bis Seite 20', 10, 20],
    ['Fasse die Folien 2-4 zusammen', 2, 4],
    ['Résume les pages 10 à 20', 10, 20],
    ['de la page 10 à la page 20', 10, 20],
    ['Lis seulement la page 7', 7, 7],
    ['Resume las páginas 10-20', 10, 20],
    ['páginas 10 a 20', 10, 20],
    ['Lee sólo la página 7', 7, 7],
  ])('%s', (text, from, to) => {
    expect(pagesWanted(text)).toEqual({ from, to })
  })
})

describe('a question that is not', () => {
  test.each([
    'This is page 7 of my life.',
    'What does page 7 say?',
    'Is the key named only on page 7?',
    'I only got to page 7.',
    'Write 10-20 pages about this.',
    'It renders pages 10 to 20 times faster.',
    'Read everything except pages 10-20.',
    "Don't read pages 10-20.",
    'Not only page 7!',
    'Alles außer Seiten 10 bis 20',
    'Tout sauf les pages 10 à 20',
    'Todo menos las páginas 10-20',
    'Compare pages 1-3 with pages 7-9.',
    'Compare pages 10-20 with page 35.',
    'Pages 1-3 and 7-9.',
    'Do pages 10-20 agree with the rest?',
    'The homepages 10-20 are slow.',
    'The U.S. 10-20 forecast',
    'page 7-3-2024',
    'pages 20-10',
    'pages 0-0',
    'Rows 10-20',
    '',
  ])('%s', (text) => {
    expect(pagesWanted(text)).toBeUndefined()
  })

  test('and a long text without any takes no time', () => {
    expect(cpuTimeOf(() => pagesWanted('only the page of '.repeat(6000)))).toBeLessThan(2_000)
  })
})

test('page ranges in words', () => {
  expect([describePages({ from: 7, to: 7 }), describePages({ from: 2, to: 4 }, 'slide')]).toEqual([
    'page 7',
    'slides 2–4',
  ])
})
