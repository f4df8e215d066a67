import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import { makeDocx } from '../../test/fixtures/make-zip.ts'
import { createReader } from '../media/create-reader.ts'
import { fileWording } from '../wording/files.ts'
import { terminalWording } from '../wording/terminal.ts'
import { createReferences, type Refer } from './references.ts'
import { replayFiles } from './replay-files.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-replay-files-'))
  const files: Record<string, Uint8Array | string> = {
    'notes.txt': 'One line of five words.\n',
    'letters/rent.docx': makeDocx('<w:p><w:r><w:t>The rent is 900 euros.</w:t></w:r></w:p>'),
    'letters/broken.pdf': '%PDF-1.4\nnothing of a PDF follows',
    'letters/two.pdf': await makePdf((doc) => doc.addPage().text('A page with words.').addPage()),
    'empty.csv': '',
    'program.exe': Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff', 'latin1'),
    '\u001b[2J.txt': 'A name that clears the screen.',
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const half: Refer = async (path) =>
  path.endsWith('.docx') ? { program: 'half', text: 'the rent is due on first of may' } : undefined

async function replayed(
  options: { refer?: Refer; json?: boolean; open?: Parameters<typeof replayFiles>[0]['open'] } = {},
) {
  const lines: string[] = []
  const failed = await replayFiles({
    folder,
    open: async (log) => createReader({ log, concurrency: 1 }),
    json: false,
    print: (line) => lines.push(line),
    ...options,
  })
  return { lines, failed }
}

describe('parley replay files', () => {
  it('prints the receipt of every file, and a refusal with its sentence', async () => {
    const { lines, failed } = await replayed({ refer: half })
    expect(failed).toBe(0)
    const line = (name: string) => lines.find((each) => each.includes(` ${name} `)) ?? ''
    expect(line('notes.txt')).toMatch(/^read .* 5 words, \d+ ms {2}1 line read$/)
    expect(line('letters/rent.docx')).toMatch(/^read .* 5 words, 37\.5 % of half, \d+ ms(?:, \d+ MB)? {2}1 line read$/)
    expect(line('letters/two.pdf')).toMatch(/^partly .* 1 of 2 pages/)
    expect(line('letters/broken.pdf')).toMatch(/^refused .*broken\.pdf/)
    expect(line('empty.csv')).toContain(fileWording.empty.noBytes('empty.csv'))
    expect(line('program.exe')).toMatch(/^refused .*program\.exe/)
    expect(lines.join('\n').replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('ends with a table: a row for each extension, and one for all', async () => {
    const { lines } = await replayed({ refer: half })
    const table = lines.slice(lines.indexOf('') + 1).map((line) => line.trim().split(/ {2,}/))
    expect(table[0]?.slice(0, 6)).toEqual(['format', 'files', 'read', 'partly', 'refused', 'failed'])
    expect(table.slice(1).map((row) => row.slice(0, 6).join(' '))).toEqual([
      '.csv 1 0 0 1 0',
      '.docx 1 1 0 0 0',
      '.exe 1 0 0 1 0',
      '.pdf 2 0 1 1 0',
      '.txt 2 2 0 0 0',
      'all 7 3 1 3 0',
    ])
    expect(table.find(([kind]) => kind === '.docx')?.[7]).toBe('37.50')
  })

  it('prints one JSON object per line for programs', async () => {
    const { lines } = await replayed({ json: true, refer: half })
    const results = lines.map((line) => JSON.parse(line))
    expect(results).toHaveLength(7)
    expect(results.find(({ name }) => name === 'letters/rent.docx')).toMatchObject({
      outcome: 'read',
      words: 5,
      codes: [],
      reference: { program: 'half', words: 8, recall: 0.375 },
      ms: expect.any(Number),
    })
    expect(results.find(({ name }) => name === 'empty.csv')).toMatchObject({
      outcome: 'refused',
      codes: ['file_empty'],
    })
  })

  it('counts a file as failed that ends without a sentence, and goes on', async () => {
    const { lines, failed } = await replayed({
      open: async (log) => {
        const reader = createReader({ log, concurrency: 1 })
        const read: typeof reader.read = (request, options) =>
          request.name === 'rent.docx' ? Promise.reject(new TypeError('x is undefined')) : reader.read(request, options)
        return { ...reader, read }
      },
    })
    expect(failed).toBe(1)
    expect(lines.find((line) => line.includes('rent.docx'))).toMatch(/^failed .*x is undefined/)
    expect(lines.some((line) => /^read .*notes\.txt/.test(line))).toBe(true)
  })

  it('names a missing folder', async () => {
    const options = { open: async () => createReader(), json: false, print: () => {} }
    await expect(replayFiles({ ...options, folder: `${folder}/none` })).rejects.toMatchObject({
      userMessage: terminalWording.folderMissing(`${folder}/none`),
    })
  })

  it('has nothing to compare with for a damaged file, a format without a program, or a missing program', async () => {
    const refer = createReferences()
    expect(await refer(join(folder, 'notes.txt'))).toBeUndefined()
    expect(await refer(join(folder, 'missing.pdf'))).toBeUndefined()
  })
})
