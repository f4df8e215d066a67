/** Text in its many forms: plain, in any encoding, delimited, HTML. */
import { describe, expect, test } from 'vitest'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import type { Artifact } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'

const { read, readWithin } = sharedReader()

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
  ])('10 MB in one line (%s) are read in pieces', async (_, letter) => {
    const line = Array.from({ length: 100_000 }, (_, i) => letter(i))
      .join('')
      .repeat(100)
    const artifact = await read('one-line.txt', line)
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
    const lines = 'Forty characters of text stand on here.\n'.repeat(500)
    const artifact = await readWithin({ text: { characters: 5_000 } }, 'long.txt', lines)
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
    // Four characters cannot tell the encoding for certain.
    expect(artifact.problems).toEqual([
      {
        code: 'text_encoding_unsure',
        userMessage: fileWording.notice.guessedEncoding('alt.txt', 'Windows-1252'),
      },
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

  test.each([
    ['Region,2021,2022', 'Region | 2021 | 2022'],
    ['Konto;2019;2020;2021', 'Konto | 2019 | 2020 | 2021'],
    ['Acme,2021,5', undefined],
    ['Acme,2021', undefined],
  ])('years name columns beside words: %s', async (first, header) => {
    const columns = first.split(/[,;]/).length
    const row = (at: number) =>
      Array.from({ length: columns }, (_, i) => `cell ${at} ${i}`).join(first.includes(';') ? ';' : ',')
    const { segments } = await read('years.csv', [first, ...Array.from({ length: 900 }, (_, at) => row(at))].join('\n'))
    expect(segments.length).toBeGreaterThan(1)
    const repeated = segments.every(({ text }) => text.startsWith(`${header}\n`))
    expect(repeated).toBe(header !== undefined)
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
    const artifact = await readWithin({ csv: { rows: 100 } }, 'long.csv', 'a,b\n'.repeat(500))
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
