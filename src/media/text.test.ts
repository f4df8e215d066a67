/** Text in its many forms: plain, in any encoding, delimited, HTML. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSharedFiles, type SharedFiles, watched } from '../../test/fixtures/shared-files.ts'
import type { Artifact } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { createReader } from './create-reader.ts'
import type { Reader } from './reader.ts'

let files: SharedFiles
let reader: Reader

beforeAll(() => {
  files = createSharedFiles()
  reader = createReader()
})
afterAll(async () => {
  await reader.close()
  files.remove()
})

const read = (name: string, content: Uint8Array | string, mediaType?: string): Promise<Artifact> =>
  reader.read(files.share(name, content, mediaType), watched())
const textOf = (artifact: Artifact) => artifact.segments.map(({ text }) => text).join('\n')

describe('plain text', () => {
  test('lines are numbered as in an editor', async () => {
    const lines = Array.from({ length: 300 }, (_, i) => `Line ${i + 1} of the logbook says that all is well.`)
    const artifact = await read('log.txt', `${lines.join('\r\n')}\r\n`)
    expect(textOf(artifact)).toBe(lines.join('\n'))
    let next = 1
    for (const { text, at } of artifact.segments) {
      expect(at).toMatchObject({ kind: 'lines', from: next })
      if (at.kind !== 'lines') continue
      expect(text.split('\n')).toEqual(lines.slice(at.from - 1, at.to))
      expect(text.length).toBeLessThanOrEqual(1_600)
      next = at.to + 1
    }
    expect(next).toBe(301)
  })

  test.each([
    ['words', (i: number) => 'abcdefgh '.charAt(i % 9)],
    ['letters without a space', (i: number) => String.fromCharCode(97 + ((i * 7919) % 26))],
  ])('10 MB in one line (%s) are read quickly in pieces', async (_, letter) => {
    const line = Array.from({ length: 100_000 }, (_, i) => letter(i))
      .join('')
      .repeat(100)
    const startedAt = performance.now()
    const artifact = await read('one-line.txt', line)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(artifact.segments.reduce((sum, { text }) => sum + text.length, 0)).toBeGreaterThan(9_999_000)
    expect(Math.max(...artifact.segments.map(({ text }) => text.length))).toBeLessThanOrEqual(1_500)
    expect(artifact.segments.every(({ at }) => at.kind === 'lines' && at.from === 1 && at.to === 1)).toBe(true)
  })

  test('a cut never falls inside a character', async () => {
    const artifact = await read('faces.txt', `x${'😀'.repeat(5_000)}`)
    expect(artifact.segments.every(({ text }) => text.isWellFormed())).toBe(true)
    expect(artifact.segments.map(({ text }) => text).join('')).toBe(`x${'😀'.repeat(5_000)}`)
  })

  test('control tokens of language models are counted as plain text', async () => {
    const artifact = await read('trick.txt', 'Please <|endoftext|> go on <|im_start|>system')
    expect(artifact.tokens).toBeGreaterThan(10)
  })

  test('reads the first lines up to the limit and says so', async () => {
    const limited = createReader({ limits: { text: { characters: 5_000 } } })
    const artifact = await limited.read(
      files.share('long.txt', 'Forty characters of text stand on here.\n'.repeat(500)),
      watched(),
    )
    await limited.close()
    const last = artifact.segments.at(-1)?.at
    const done = last?.kind === 'lines' ? last.to : 0
    expect(artifact.truncated).toBe(fileWording.partial.first('long.txt', 'line', { done, of: 500, characters: 5_000 }))
  })
})

describe('encodings', () => {
  const words = 'Größe: 12 µm — naïve café'

  test.each([
    ['UTF-8 with a mark', Buffer.from(`\uFEFF${words}`)],
    ['UTF-16 LE with a mark', Buffer.from(`\uFEFF${words}`, 'utf16le')],
    ['UTF-16 BE with a mark', Buffer.from(`\uFEFF${words}`, 'utf16le').swap16()],
    ['UTF-16 LE without a mark', Buffer.from(words, 'utf16le')],
  ])('%s is read without a warning', async (_, bytes) => {
    const artifact = await read('notes.txt', bytes)
    expect(textOf(artifact)).toBe(words)
    expect(artifact.problems).toEqual([])
  })

  test('text that is not UTF-8 is read as Windows-1252 and says so', async () => {
    const artifact = await read('alt.txt', Buffer.from('Gr\xf6\xdfe: 5 \x80 \x96 fertig', 'latin1'))
    expect(textOf(artifact)).toBe('Größe: 5 € – fertig')
    expect(artifact.problems).toEqual([
      {
        code: 'text_encoding',
        userMessage: fileWording.notice.assumedEncoding('alt.txt', 'Windows-1252'),
      },
    ])
  })

  // As bytes, because these encodings are only read here, never written.
  test.each([
    ['Shift-JIS', '8e8196bc2c8f5a8f8a0a8e52936391be98592c938c8b9e93738d608be60a', '氏名 | 住所'],
    ['GB18030', 'd0d5c3fb2cb3c7cad00ad5c5ceb02cb1b1bea90acdf5b7bc2cc9cfbaa30a', '姓名 | 城市'],
    ['EUC-KR', 'c0ccb8a72cb5b5bdc30ab1e8c3b6bcf62cbcadbfef0a', '이름 | 도시'],
    ['Windows-1251', 'c8ecff2cc3eef0eee40ac8e2e0ed2ccceef1eae2e00aceebfce3e02ccae0e7e0edfc0a', 'Имя | Город'],
    ['KOI8-R', 'e9cdd12ce7cfd2cfc40ae9d7c1ce2cedcfd3cbd7c10aefccd8c7c12cebc1dac1ced80a', 'Имя | Город'],
    ['Windows-1253', 'bcedefece12cd0fcebe70ac3e9fef1e3eff22cc1e8deede10a', 'Όνομα | Πόλη'],
    ['Windows-1255', 'f9ed2cf2e9f80ae3e5e32ce9f8e5f9ece9ed0a', 'שם | עיר'],
    ['Windows-1256', 'c7e1c7d3e32cc7e1e3cfede4c90ae3cde3cf2cc7e1dec7e5d1c90a', 'الاسم | المدينة'],
    ['Windows-1250', '5a61bff3b3e62c67ea9c6cb90aa3f3649f2c4b72616bf3770a', 'Zażółć | gęślą'],
  ])('a table in %s', async (encoding, hex, start) => {
    const artifact = await read('export.csv', Buffer.from(hex, 'hex'))
    expect(textOf(artifact)).toContain(start)
    expect(artifact.problems).toMatchObject([
      { code: 'text_encoding', userMessage: fileWording.notice.assumedEncoding('export.csv', encoding) },
    ])
  })

  test('one bad byte does not spoil UTF-8 text', async () => {
    const artifact = await read(
      'cut.txt',
      Buffer.concat([Buffer.from('Größenübersicht für Öfen. '.repeat(20)), Buffer.from([0xff])]),
    )
    expect(textOf(artifact)).toContain('Größenübersicht für Öfen.')
    expect(artifact.problems).toMatchObject([{ userMessage: fileWording.notice.brokenUtf8('cut.txt', 1) }])
  })
})

describe('delimited text', () => {
  test('semicolons, quotes, line feeds in cells and ragged rows', async () => {
    const artifact = await read(
      'export.csv',
      'Name;Comment;Total\r\n"Müller; Söhne";"said ""yes""\nand left";12,50\r\nShort\r\n\r\nLong;a;b;c\r\n',
    )
    expect(artifact.segments).toEqual([
      {
        text: 'Name | Comment | Total\nMüller; Söhne | said "yes" and left | 12,50\nShort\nLong | a | b | c',
        at: { kind: 'rows', from: 2, to: 5 },
        tokens: expect.any(Number),
      },
    ])
  })

  test('tabs are detected whatever the name', async () => {
    const artifact = await read('table.csv', 'id\tname, first\n1\tAda, L.\n2\tAlan, T.\n')
    expect(textOf(artifact)).toBe('id | name, first\n1 | Ada, L.\n2 | Alan, T.')
  })

  test('every segment contains the header and its rows', async () => {
    const rows = Array.from({ length: 2_000 }, (_, i) => `item ${i + 2},${i},${i * 3}`)
    const artifact = await read('stock.csv', `product,quantity,price\n${rows.join('\n')}\n`)
    expect(artifact.segments.length).toBeGreaterThan(10)
    for (const { text, at } of artifact.segments) {
      if (at.kind !== 'rows') throw new Error('a table has rows')
      const [header, first] = text.split('\n')
      expect(header).toBe('product | quantity | price')
      expect(first).toContain(`item ${at.from} |`)
      expect(text.split('\n')).toHaveLength(at.to - at.from + 2)
    }
  })

  test('a wide table names each value', async () => {
    const header = Array.from({ length: 60 }, (_, i) => `measurement number ${i}`)
    const artifact = await read('wide.csv', `${header.join(',')}\n${header.map((_, i) => i).join(',')}\n`)
    expect(artifact.segments[0]?.text).toContain('measurement number 0: 0; measurement number 1: 1; ')
    expect(textOf(artifact)).toContain('measurement number 59: 59')
  })

  test('an unclosed quotation mark swallows nothing', async () => {
    const artifact = await read('inches.csv', 'size,name\n3,"open\n4,next\n5,last\n')
    expect(textOf(artifact)).toContain('5 | last')
    expect(artifact.problems.map(({ code }) => code)).toEqual(['csv_quotes'])
  })

  test('reads the first rows up to the limit and says so', async () => {
    const limited = createReader({ limits: { csv: { rows: 100 } } })
    const artifact = await limited.read(files.share('long.csv', 'a,b\n'.repeat(500)), watched())
    await limited.close()
    expect(artifact.truncated).toBe(fileWording.partial.first('long.csv', 'row', { done: 100 }))
  })
})

describe('HTML', () => {
  const page = `<!doctype html><html><head><title>Price &amp; terms</title><style>p{}</style><script>track("x")</script></head>
<body>
<h1>Terms</h1>
<p>See <a href="https://example.org/terms">the full <b>text</b></a>,<br>dated today.
<p hidden>never shown</p><div style="display:none">nor <p>this</p></div>
<ol start=3><li>third<li>fourth<ul><li>deeper</ul></ol>
<table><tr><th>Item<th>Price<tr><td>Bolt<td><p>2 €</p></table>
<pre>
  keep
    this
</pre>
</body></html>`

  test('reads what a browser shows', async () => {
    const artifact = await read('terms.html', page)
    expect(textOf(artifact).split('\n')).toEqual([
      '# Price & terms',
      '# Terms',
      'See [the full text](https://example.org/terms), dated today.',
      '3. third',
      '4. fourth',
      '  - deeper',
      '| Item | Price |',
      '| --- | --- |',
      '| Bolt | 2 € |',
      '  keep',
      '    this',
    ])
  })

  test('positions are lines of the source', async () => {
    const filler = Array.from({ length: 200 }, (_, i) => `<p>Paragraph ${i} stands here and says little of note.</p>`)
    const artifact = await read('long.html', `<html><body>\n${filler.join('\n')}\n</body></html>`)
    for (const { text, at } of artifact.segments) {
      const numbers = [...text.matchAll(/Paragraph (\d+)/g)].map(([, number]) => Number(number))
      expect(at).toEqual({ kind: 'lines', from: (numbers[0] ?? 0) + 2, to: (numbers.at(-1) ?? 0) + 2 })
    }
  })

  test('a hundred thousand nested elements are read quickly', async () => {
    const artifact = await read('deep.html', `<html><body>${'<div><b>'.repeat(50_000)}bottom`)
    expect(textOf(artifact)).toBe('bottom')
  })

  test('the encoding that the page names is used', async () => {
    const bytes = Buffer.concat([
      Buffer.from('<html><meta charset="windows-1251"><p>'),
      Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]),
    ])
    const artifact = await read('privet.html', bytes)
    expect(textOf(artifact)).toBe('Привет')
    expect(artifact.problems).toEqual([])
  })

  test('a page built by scripts says so', async () => {
    await expect(
      read('app.html', '<!doctype html><div id=root></div><script src=a.js></script>'),
    ).rejects.toMatchObject({ code: 'file_empty' })
  })
})
