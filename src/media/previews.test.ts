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

test('shows the pictures that were taken while reading', async () => {
  const shown: string[] = []
  const previews = createPreviews({
    blobs: { withFile: async (hash, _signal, use) => await use(hash) },
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
