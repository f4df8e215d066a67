/** Ruled tables of PDFs become Markdown, whole and in their place; frames and charts do not. */
import { expect, test } from 'vitest'
import { printedByChromium, program } from '../../test/fixtures/foreign-pdf.ts'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'

const chromium = program('chromium', 'chromium-browser', 'google-chrome')
const row = (at: number) => [`Pump ${at}`, `K-${1000 + at}`, `${(at * 3.5).toFixed(2)} EUR`]
const { files, reader, read } = sharedReader()

async function linesOf(bytes: Uint8Array): Promise<string[]> {
  const { segments } = await read('table.pdf', bytes)
  return segments.flatMap(({ text }) => text.split('\n')).filter((line) => line !== '')
}

const priceList = (rows: number) =>
  makePdf((doc) => {
    doc.addPage().text('Prices of pumps')
    for (let from = 0; from < rows; from += 25) {
      if (from > 0) doc.addPage()
      doc.table({ data: [['Name', 'Part', 'Price'], ...Array.from({ length: 25 }, (_, at) => row(from + at))] })
    }
    doc.text('After the table.')
  })

test('reads all rows of a pdfkit table over several pages', async () => {
  const lines = await linesOf(await priceList(350))
  const header = ['| Name | Part | Price |', '| --- | --- | --- |']
  const pages = Array.from({ length: 14 }, (_, page) => [
    ...header,
    ...Array.from({ length: 25 }, (_, at) => `| ${row(page * 25 + at).join(' | ')} |`),
  ])
  expect(lines).toEqual(['Prices of pumps', ...pages.flat(), 'After the table.'])
})

test('a citation of a row is marked on the page', async () => {
  const { path } = files.share('table.pdf', await priceList(25))
  const quote = `| ${row(7).join(' | ')} |`
  const { marks } = await reader.render(path, 1, { width: 400, quote, signal: new AbortController().signal })
  expect(marks.length).toBeGreaterThan(0)
})

test.skipIf(chromium === undefined)(
  'borders as Chromium prints them, with joined and broken cells (skipped without chromium)',
  async () => {
    const cells = Array.from({ length: 6 }, (_, at) => `<tr><td>${row(at).join('<td>')}`).join('')
    const html = (
      style: string,
    ) => `<!doctype html><style>table { ${style} } td, th { border: 1px solid #555; padding: 4px }</style>
    <p>Before.</p><table><tr><th colspan=2>What<th>Price</th></tr>${cells}<tr><td>Two<br>lines<td>a | b<td></table><p>Between.</p>
    <div style="border:1px solid; padding:1em">A framed remark.</div><p>Behind.</p>`
    for (const style of ['border-collapse: collapse', 'border-collapse: separate; border-spacing: 0']) {
      const lines = await linesOf(await printedByChromium(chromium ?? '', html(style)))
      expect(lines).toEqual([
        'Before.',
        '| What |  | Price |',
        '| --- | --- | --- |',
        ...Array.from({ length: 6 }, (_, at) => `| ${row(at).join(' | ')} |`),
        '| Two lines | a \\| b |  |',
        ...['Between.', 'A framed remark.', 'Behind.'],
      ])
    }
  },
  240_000,
)

test('the grid of a chart is not taken for a table', async () => {
  const chart = await makePdf((doc) => {
    doc.addPage()
    for (let at = 0; at <= 5; at += 1) {
      doc
        .moveTo(100, 100 + at * 40)
        .lineTo(300, 100 + at * 40)
        .moveTo(100 + at * 40, 100)
        .lineTo(100 + at * 40, 300)
        .stroke()
      doc.text(String(at * 10), 70, 96 + at * 40, { lineBreak: false })
    }
    doc.text('Hours of use', 150, 320)
  })
  expect((await linesOf(chart)).join(' ')).not.toContain('|')
})
