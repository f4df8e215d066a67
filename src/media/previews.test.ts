import { expect, test } from 'vitest'
import type { Artifact, Position } from '../core/artifact.ts'
import { createPreviews, linesOf } from './previews.ts'

const piece = (text: string, at: Position) => ({ text, at, tokens: 1 })
const time = (fromMs: number, toMs: number): Position => ({ kind: 'time', fromMs, toMs })
const image = (sign: string, at: Position) => ({
  contentHash: sign.repeat(64),
  mediaType: 'image/jpeg',
  width: 10,
  height: 10,
  at,
})
const artifact: Artifact = {
  contentHash: 'a'.repeat(64),
  engine: 'x-1',
  mediaType: 'application/zip',
  tokens: 0,
  problems: [],
  segments: [
    piece('Dear all,\nhello', { kind: 'lines', from: 1, to: 2 }),
    piece('[n.txt]\none\ntwo', { kind: 'lines', from: 1, to: 2, inner: 'n.txt' }),
    piece('[b.pdf]\nfirst\npage', { kind: 'page', page: 1, inner: 'b.pdf' }),
    piece('[b.pdf]\nsecond\npage', { kind: 'page', page: 2, inner: 'b.pdf' }),
    piece('Title', { kind: 'slide', slide: 3 }),
    piece('Notes: none', { kind: 'slide', slide: 3 }),
    piece('Good day.', time(0, 4_000)),
    piece('We agreed.', time(4_000, 9_000)),
  ],
  images: [
    image('b', { kind: 'page', page: 2, inner: 'b.pdf' }),
    image('c', time(0, 0)),
    image('d', time(6_000, 6_000)),
  ],
}

test.each([
  [1, 2, {}, ['Dear all,', 'hello']],
  [2, 9, { kind: 'lines', inner: 'n.txt' }, ['two']],
  [2, 2, { kind: 'page', inner: 'b.pdf' }, ['second', 'page']],
  [2, 2, { kind: 'page' }, []],
  [3, 3, { kind: 'slide' }, ['Title', 'Notes: none']],
  [0, 3_000, { kind: 'time' }, ['Good day.']],
] as const)('text from %i to %i of %o', (from, to, where, lines) => {
  expect(linesOf(artifact, from, to, where).lines).toEqual(lines)
})

test('rows keep their own numbers over gaps, and have the names of their columns', () => {
  const sheet = (text: string, from: number, to: number) => piece(text, { kind: 'rows', sheet: 'Q1 [new]', from, to })
  const book: Artifact = {
    ...artifact,
    segments: [
      sheet('[Q1 [new]] row | A: Item | B: Price\n2 | Bolt | 3\n5 | Nut | 1', 2, 5),
      sheet('[Q1 [new]] row | A: Item | B: Price\n6 |  | 4', 6, 6),
      piece('Name,Age | x\nAnn | 3\nBob | 4', { kind: 'rows', from: 2, to: 3 }),
    ],
  }
  expect(linesOf(book, 4, 9, { kind: 'rows', sheet: 'Q1 [new]' })).toEqual({
    from: 5,
    to: 6,
    of: 6,
    lines: ['Nut | 1', ' | 4'],
    numbers: [5, 6],
    columns: ['A: Item', 'B: Price'],
  })
  const list = { ...book, segments: book.segments.slice(2) }
  expect(linesOf(list, 3, 3, { kind: 'rows' })).toMatchObject({
    lines: ['Bob | 4'],
    numbers: [3],
    columns: ['Name,Age', 'x'],
  })
  const wide = { ...book, segments: [sheet('[Q1 [new]] row | cells\n3 | B: 1 | XFD: 2', 3, 3)] }
  expect(linesOf(wide, 3, 3, { kind: 'rows' })).toMatchObject({ lines: ['B: 1 | XFD: 2'], numbers: [3] })
  expect(linesOf(wide, 3, 3, { kind: 'rows' })).not.toHaveProperty('columns')
})

test('each line of a recording has its time', () => {
  expect(linesOf(artifact, 1_000, 8_000, { kind: 'time' })).toMatchObject({
    from: 0,
    to: 9_000,
    of: 9_000,
    places: [
      { from: 0, to: 4_000 },
      { from: 4_000, to: 9_000 },
    ],
  })
})

const noBlobs = { open: () => Promise.reject(new Error('not used')), size: async () => 9_000 }

test('a recording can be played, and nothing else can', async () => {
  const of = (mediaType: string) =>
    createPreviews({
      blobs: { ...noBlobs, withFile: () => Promise.reject(new Error('not used')) },
      renderer: { render: () => Promise.reject(new Error('not used')) },
      latestArtifact: async () => ({ ...artifact, mediaType }),
    })
  for (const [mediaType, play] of [
    ['audio/mpeg', 'audio'],
    ['video/mp4', 'video'],
  ] as const) {
    expect(await of(mediaType).lines('x', 0, 4_000, { kind: 'time' })).toMatchObject({ play })
    expect(await of(mediaType).recording('x')).toMatchObject({ mediaType, bytes: 9_000 })
  }
  expect(await of('audio/mpeg').lines('x', 0, 4_000, { kind: 'time', inner: 'call.mp3' })).not.toHaveProperty('play')
  expect(await of('text/vtt').lines('x', 0, 4_000, { kind: 'time' })).not.toHaveProperty('play')
  await expect(of('text/html').recording('x')).rejects.toMatchObject({ code: 'file_missing' })
})

test('shows the pictures that were taken while reading', async () => {
  const shown: string[] = []
  const previews = createPreviews({
    blobs: { ...noBlobs, withFile: async (hash, _signal, use) => await use(hash) },
    renderer: {
      async render(path) {
        shown.push(path.slice(0, 1))
        return { png: new Uint8Array(), width: 1, height: 1, marks: [] }
      },
    },
    latestArtifact: async () => artifact,
  })
  const options = { width: 100, signal: new AbortController().signal }
  const picture = (from: number, to: number, where: object) => previews.picture('x', from, to, { ...options, ...where })
  await picture(2, 2, { kind: 'page', inner: 'b.pdf' })
  await picture(0, 4_000, { kind: 'time' })
  await picture(4_000, 9_000, { kind: 'time' })
  expect(shown).toEqual(['b', 'c', 'd'])
  await expect(picture(1, 1, { kind: 'page' })).rejects.toMatchObject({ code: 'file_missing' })
  expect(await previews.lines('x', 2, 2, { kind: 'page', inner: 'b.pdf' })).toMatchObject({ picture: true })
  expect(await previews.lines('x', 1, 1, { kind: 'page', inner: 'b.pdf' })).not.toHaveProperty('picture')
})
