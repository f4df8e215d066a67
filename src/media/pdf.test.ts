/** PDFs of every sort become text by page, or one clear sentence. */
import { beforeAll, describe, expect, test } from 'vitest'
import { changedByQpdf, pdftotext, printedByChromium, program, wordRecall } from '../../test/fixtures/foreign-pdf.ts'
import { makeManual, makePdf } from '../../test/fixtures/make-pdf.ts'
import { manualPages } from '../../test/fixtures/manual-prose.ts'
import { watched } from '../../test/fixtures/shared-files.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import type { Artifact } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'

const fact = 'The torque for the K-22 clamp is 41 newton metres.'
let manual: Buffer
const shared = sharedReader()
const { files, reader, readWithin } = shared

beforeAll(async () => {
  manual = await makeManual({ pages: 200, facts: { 137: fact } })
})

const read = (bytes: Uint8Array, name = 'manual.pdf') => shared.read(name, bytes)
const pageOf = (artifact: Artifact, words: string) =>
  artifact.segments.filter(({ text }) => text.includes(words)).map(({ at }) => at)

test('a manual of 200 pages is read page by page with progress', async () => {
  const watch = watched()
  const artifact = await reader.read(files.share('manual.pdf', manual), watch)
  expect(artifact).toMatchObject({ engine: 'pdf-6', mediaType: 'application/pdf', pages: 200, problems: [] })
  expect(artifact.truncated).toBeUndefined()
  expect(artifact.segments.map(({ at }) => at)).toEqual(
    manualPages({ pages: 200 }).map(({ page }) => ({ kind: 'page', page })),
  )
  expect(pageOf(artifact, fact)).toEqual([{ kind: 'page', page: 137 }])
  expect(artifact.tokens).toBe(artifact.segments.reduce((sum, { tokens }) => sum + tokens, 0))
  expect(artifact.tokens).toBeGreaterThan(80_000)
  expect(watch.transcription[0]).toEqual({ done: 0, of: 200, unit: 'page' })
  expect(watch.transcription.at(-1)).toEqual({ done: 200, of: 200, unit: 'page' })
  expect(watch.transcription.map(({ done }) => done)).toEqual(
    watch.transcription.map(({ done }) => done).toSorted((a, b) => a - b),
  )
})

test('every word of the manual is read', async () => {
  const artifact = await read(manual)
  const pages = manualPages({ pages: 200, facts: { 137: fact } })
  const recalls = pages.map(({ section, paragraphs }, index) =>
    wordRecall([section, ...paragraphs].join('\n'), artifact.segments[index]?.text ?? ''),
  )
  expect(Math.min(...recalls)).toBeGreaterThanOrEqual(0.99)
})

describe('PDFs by other programs', () => {
  const paragraphs = manualPages({ pages: 3, seed: 11 }).flatMap((page) => page.paragraphs)
  const chromium = program('chromium', 'chromium-browser', 'google-chrome')
  const poppler = program('pdftotext')

  async function agreesWithPoppler(bytes: Uint8Array) {
    const request = files.share('foreign.pdf', bytes)
    const artifact = await reader.read(request, watched())
    expect(artifact.problems).toEqual([])
    for (const { text, at } of artifact.segments) {
      if (at.kind !== 'page') throw new Error('a PDF has pages')
      expect(wordRecall(await pdftotext(request.path, at.page), text)).toBeGreaterThanOrEqual(0.99)
    }
    return artifact
  }

  test.skipIf(poppler === undefined)('pdfkit: agrees with pdftotext (skipped without poppler-utils)', async () => {
    const artifact = await agreesWithPoppler(await makeManual({ pages: 20, seed: 3 }))
    expect(artifact.segments).toHaveLength(20)
  })

  test.skipIf(chromium === undefined || poppler === undefined)(
    'Chromium: agrees with pdftotext, with columns, tables, ligatures and other scripts (skipped without chromium or poppler-utils)',
    async () => {
      const html = `<!doctype html><meta charset="utf-8"><body><h1>Office efficiency, first draft</h1>
        <div style="columns:2;hyphens:auto;text-align:justify" lang="en">${paragraphs.map((p) => `<p>${p}</p>`).join('')}</div>
        <table border>${paragraphs.map((p, i) => `<tr><td>${i}<td>${p.slice(0, 30)}`).join('')}</table>
        <p>Ελληνικά, русский, français: œuvre, naïve, Straße.</p>`
      const artifact = await agreesWithPoppler(await printedByChromium(chromium ?? '', html))
      const text = artifact.segments.map((segment) => segment.text).join('\n')
      expect(text).toContain('Office efficiency, first draft')
      expect(text).toContain('Ελληνικά, русский, français: œuvre, naïve, Straße.')
      // The left column is told before the right one.
      const [first = '', last = ''] = [paragraphs[0]?.slice(0, 20), paragraphs.at(-1)?.slice(0, 20)]
      expect(text.indexOf(first)).toBeLessThan(text.indexOf(last))
    },
    240_000,
  )

  test('words split at line ends are joined, and compounds keep their hyphen', async () => {
    const lines = [
      'After each overhaul the mainte-',
      'nance crew signs. Unit K-',
      '22 is state-of-the-art, says Anglo-',
      'Dutch Pumps.',
    ]
    const bytes = await makePdf((doc) => {
      doc.addPage()
      for (const line of lines) doc.text(line, { lineBreak: false }).moveDown()
    })
    const text = (await read(bytes)).segments[0]?.text.replaceAll('\n', ' ')
    expect(text).toContain('the maintenance crew signs. Unit K-22 is state-of-the-art')
    expect(text).toMatch(/Anglo- ?Dutch/)
  })
})

describe('protected', () => {
  test('a locked PDF is refused with advice to share a copy without the password', async () => {
    const bytes = await makeManual({ pages: 2 }, { userPassword: 'secret', ownerPassword: 'owner' })
    await expect(read(bytes, 'salaries.pdf')).rejects.toMatchObject({
      code: 'file_encrypted',
      userMessage: fileWording.refusal.encrypted('salaries.pdf'),
    })
  })

  test('a PDF that only forbids printing is read', async () => {
    const bytes = await makeManual(
      { pages: 2, facts: { 2: fact } },
      { ownerPassword: 'owner', permissions: { printing: 'lowResolution' } },
    )
    expect(pageOf(await read(bytes), fact)).toEqual([{ kind: 'page', page: 2 }])
  })

  const qpdf = program('qpdf')
  test.skipIf(qpdf === undefined)(
    'AES-256 by qpdf, with and without a user password (skipped without qpdf)',
    async () => {
      const plain = await makeManual({ pages: 2, facts: { 2: fact } })
      const [locked, open] = await Promise.all(
        ['user', ''].map((user) =>
          changedByQpdf(qpdf ?? '', plain, (input) => ['--encrypt', user, 'owner', '256', '--', input]),
        ),
      )
      await expect(read(locked ?? new Uint8Array())).rejects.toMatchObject({ code: 'file_encrypted' })
      expect(pageOf(await read(open ?? new Uint8Array()), fact)).toHaveLength(1)
    },
  )
})

describe('damaged', () => {
  test('a PDF cut to 60 % gives the pages that are left and says so', async () => {
    const artifact = await read(manual.subarray(0, manual.length * 0.6))
    expect(artifact.pages).toBeGreaterThan(100)
    expect(artifact.problems[0]).toMatchObject({
      code: 'file_damaged',
      userMessage: fileWording.partlyDamaged.foundPages('manual.pdf', artifact.pages ?? 0),
    })
  })

  const qpdf = program('qpdf')
  test.skipIf(qpdf === undefined)(
    'a linearized PDF cut to 60 % gives the pages that are left (skipped without qpdf)',
    async () => {
      const linear = await changedByQpdf(qpdf ?? '', manual, (input) => ['--linearize', input])
      const outcome = await read(linear.subarray(0, linear.length * 0.6)).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'file_damaged' })
      else expect(outcome).toMatchObject({ problems: [{ code: 'file_damaged' }, ...[]] })
    },
  )

  test('a PDF with a broken cross-reference table is repaired and says so', async () => {
    const text = (await makeManual({ pages: 3, facts: { 3: fact } })).toString('latin1')
    const broken = Buffer.from(text.replace(/startxref\s+\d+/, 'startxref\n7'), 'latin1')
    const artifact = await read(broken)
    expect(pageOf(artifact, fact)).toEqual([{ kind: 'page', page: 3 }])
    expect(artifact.problems.map(({ code }) => code)).toEqual(['file_damaged'])
  })

  test('a header followed by noise is damaged', async () => {
    const noise = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 251))
    await expect(read(Buffer.concat([Buffer.from('%PDF-1.7\n'), noise]))).rejects.toMatchObject({
      code: 'file_damaged',
    })
  })
})

describe('without text', () => {
  const drawn = (doc: PDFKit.PDFDocument) => void doc.addPage().rect(100, 100, 200, 200).fill('gray')

  test('pages without text are counted', async () => {
    const bytes = await makePdf((doc) => {
      drawn(doc)
      doc.addPage().text('Words on the second page.')
      drawn(doc)
    })
    const artifact = await read(bytes)
    expect(artifact.segments).toEqual([
      { text: 'Words on the second page.', at: { kind: 'page', page: 2 }, tokens: expect.any(Number) },
    ])
    expect(artifact.problems).toEqual([{ code: 'pages_without_text', userMessage: fileWording.notice.noText(2, 3) }])
  })

  test('a page without readable text says why', async () => {
    const artifact = await read(
      await makePdf((doc) => {
        drawn(doc)
        drawn(doc)
      }),
    )
    expect(artifact).toMatchObject({ segments: [], pages: 2, tokens: 0 })
    expect(artifact.problems).toMatchObject([{ userMessage: fileWording.notice.noText(2, 2) }])
  })

  test('what was typed into a form is read', async () => {
    const bytes = await makePdf((doc) => {
      doc.addPage().font('Helvetica').text('Name:')
      doc.initForm()
      doc.formText('name', 200, 72, 200, 30, { value: 'Ada Lovelace' })
    })
    const artifact = await read(bytes)
    expect(artifact.segments.map(({ text }) => text)).toEqual([
      'Name:\nAda Lovelace',
      'Form fields:\nname: Ada Lovelace',
    ])
  })
})

describe('limits', () => {
  test('reads the first pages up to the limit and says so', async () => {
    const artifact = await readWithin({ pdf: { pages: 50 } }, 'manual.pdf', manual)
    expect(artifact).toMatchObject({
      pages: 200,
      truncated: fileWording.partial.first('manual.pdf', 'page', { done: 50, of: 200 }),
    })
    expect(artifact.segments).toHaveLength(50)
  })

  test('reads whole pages up to the limit of characters and says so', async () => {
    const artifact = await readWithin({ pdf: { characters: 20_000 } }, 'manual.pdf', manual)
    const done = artifact.segments.length
    expect(artifact.truncated).toBe(
      fileWording.partial.first('manual.pdf', 'page', { done, of: 200, characters: 20_000 }),
    )
  })

  test('a file over the size limit is refused with both sizes', async () => {
    await expect(readWithin({ pdf: { bytes: 100_000 } }, 'manual.pdf', manual)).rejects.toMatchObject({
      code: 'file_too_large',
      userMessage: fileWording.limit.size('manual.pdf', manual.length, 100_000),
    })
  })
})
