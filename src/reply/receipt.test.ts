import { describe, expect, test } from 'vitest'
import { readSource } from '../../test/fakes/source.ts'
import type { AttachmentReceipt } from '../core/reply.ts'
import type { Content, ReadSource } from '../prompt/content.ts'
import { usedWording } from '../wording/answers.ts'
import { describeUsed, summariseAttachments } from './receipt.ts'

const receipt = (name: string, outcome: AttachmentReceipt['outcome'], summary: string): AttachmentReceipt => ({
  attachmentId: name,
  name,
  outcome,
  summary,
  problems: [],
})

describe('what became of the attachments', () => {
  test('all were read', () => {
    expect(
      summariseAttachments([receipt('a.pdf', 'read', '200 pages read'), receipt('b.txt', 'read', '3 lines read')]),
    ).toBe('2 read')
  })

  test('some were not, and why', () => {
    const receipts = [
      receipt('a.pdf', 'read', '200 pages read'),
      receipt('film.mkv', 'skipped', 'skipped: 31 MB is over the limit of 25 MB.'),
      {
        ...receipt('b.pdf', 'partly', '3 of 4 pages read'),
        problems: [{ code: 'x', userMessage: 'Page 2 of b.pdf is damaged.' }],
      },
    ]
    expect(summariseAttachments(receipts)).toBe(
      '1 read, 1 partly read: Page 2 of b.pdf is damaged, 1 skipped: 31 MB is over the limit of 25 MB (film.mkv)',
    )
  })

  test('there were none', () => {
    expect(summariseAttachments([])).toBe('')
  })
})

describe('what the model was given', () => {
  const file = (n: number, title: string, pages?: number) => readSource(n, title, { pages, tokens: 1000 })
  const content = (files: ReadSource[], pages: number[], whole: boolean): Content => ({
    files,
    excerpts: pages.flatMap((page) =>
      files.slice(0, 1).map((from) => ({ source: from.source, at: { kind: 'page', page }, text: '', tokens: 10 })),
    ),
    tokens: 10 * pages.length,
    tokensAvailable: 1000 * files.length,
    whole,
  })

  test('everything', () => {
    expect(describeUsed(content([file(1, 'a.pdf', 2)], [1, 2], true))).toEqual({
      summary: 'all of a.pdf',
      tokens: 20,
      tokensAvailable: 1000,
    })
    expect(describeUsed(content([file(1, 'a.pdf'), file(2, 'b.pdf')], [1], true)).summary).toBe(
      usedWording.allOfFiles(2),
    )
  })

  test('a part: pages count once, and files without any are named as such', () => {
    expect(describeUsed(content([file(1, 'a.pdf', 200)], [3, 3, 137], false)).summary).toBe(
      usedWording.bestMatches([usedWording.pagesOf(2, 200, 'a.pdf')], 0, 1),
    )
    expect(describeUsed(content([file(1, 'a.csv'), file(2, 'b.pdf')], [1], false)).summary).toBe(
      usedWording.bestMatches([usedWording.passagesOf(1, 'a.csv')], 1, 2),
    )
  })
})
