/** What an HTML page or mail shows is what is read: cells under their headings, and values as they are written. */
import { describe, expect, test } from 'vitest'
import { caseFile, casesMissing, readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'
import { htmlBlocks } from './providers/html.ts'

const linesOf = (html: string) => htmlBlocks(html).join('\n').split('\n')
const table = (rows: string) => linesOf(`<table>${rows}</table>`)

describe('a table', () => {
  test('a cell that spans rows counts in each of them', () => {
    expect(
      table(
        '<tr><th>Region<th>Year<th>Sum<tr><td rowspan=2>North<td>2023<td>10<tr><td>2024<td>12<tr><td>South<td>2024<td>7',
      ),
    ).toEqual([
      '| Region | Year | Sum |',
      '| --- | --- | --- |',
      '| North | 2023 | 10 |',
      '| North | 2024 | 12 |',
      '| South | 2024 | 7 |',
    ])
  })

  test('a cell that spans columns keeps the next ones in place; a heading stands above each', () => {
    expect(
      table(
        '<tr><th><th colspan=2>2023<th colspan=2>2024<tr><th>Unit<th>Q1<th>Q2<th>Q1<th>Q2<tr><td>A<td colspan=2>closed<td>3<td>4',
      ),
    ).toEqual([
      '|  | 2023 | 2023 | 2024 | 2024 |',
      '| --- | --- | --- | --- | --- |',
      '| Unit | Q1 | Q2 | Q1 | Q2 |',
      '| A | closed |  | 3 | 4 |',
    ])
  })

  test('spans in the middle, both ways, and to the end', () => {
    expect(
      table(
        '<tr><td>a<td rowspan=2 colspan=2>b<td>c<tr><td>d<td>e<tr><td>f<td>g<td rowspan=0>h<td>i<tr><td>j<td>k<td>l<tr><td>m<td>n<td>o',
      ),
    ).toEqual([
      '| a | b |  | c |',
      '| --- | --- | --- | --- |',
      '| d | b |  | e |',
      '| f | g | h | i |',
      '| j | k | h | l |',
      '| m | n | h | o |',
    ])
  })

  test('a bar inside a cell does not make another cell, and monstrous spans end', () => {
    expect(table('<tr><td>a|b<td>c')[0]).toBe('| a\\|b | c |')
    expect(table('<tr><td colspan=99999999 rowspan=99999999>x<tr><td>y')[0]?.length).toBeLessThan(10_000)
  })

  test('a table inside a cell', () => {
    expect(table('<tr><td>a<td><table><tr><td>b<td>c</table><tr><td>d<td>e')).toContain('| d | e |')
  })
})

describe('values', () => {
  test.each([
    ['<p>E = 10<sup>6</sup> J and H<sub>2</sub>O', 'E = 10^6 J and H_2O'],
    ['<p>Price: <del>900</del> 750 EUR', 'Price: ~~900~~ 750 EUR'],
    ['<p>Price: <s>900</s> <strike>800</strike> 750', 'Price: ~~900~~ ~~800~~ 750'],
    ['<p><span style="text-decoration: line-through">900</span> 750', '~~900~~ 750'],
    ['<p>10<span style="vertical-align:super;font-size:8pt">12</span> units', '10^12 units'],
    ['<p>x<sup>n+1</sup> on the 5<sup>th</sup>', 'x^(n+1) on the 5th'],
    ['<p><span>a <span>b</span> <s>c</s></span> d', 'a b ~~c~~ d'],
    ['<p><s>see <a href="https://example.org/">this</a></s> now', '~~see~~ [~~this~~](https://example.org/) now'],
    ['<ol><li>a<li value=7>b<li>c</ol>', '1. a\n7. b\n8. c'],
    [
      '<p><input type=checkbox checked> agree<p><input type=radio> refuse<p>Name:<input value="Ann">',
      '[x] agree\n[ ] refuse\nName: Ann',
    ],
  ])('%s', (html, text) => {
    expect(linesOf(html).join('\n')).toBe(text)
  })

  test('an equation is one line', () => {
    const math =
      '<p>Solve <math><mi>x</mi><mo>=</mo><mfrac><mrow><mo>-</mo><mi>b</mi></mrow><mrow><mn>2</mn><mi>a</mi></mrow></mfrac></math>, then <math><msup><mn>10</mn><mn>6</mn></msup></math>.'
    expect(linesOf(math)).toEqual(['Solve x = (-b)/(2a), then 10^6.'])
  })
})

test('pictures within the page are counted; their alternative texts are read', async () => {
  const picture = `data:image/png;base64,${'A'.repeat(5_000)}`
  const small = `data:image/gif;base64,${'A'.repeat(60)}`
  const page = `<p>Before<img src="${picture}" alt="The pump from above">after<img src="${small}"><img src="${picture}"><img src="logo.png" alt="logo.png">`
  const read = await readHere('page.html', page)
  expect(read.text).toBe('Before [The pump from above] after')
  expect(read.problems).toMatchObject([
    { code: 'parts_unread', userMessage: fileWording.notice.unread('page.html', [['picture', 1]]) },
  ])
})

describe.skipIf(casesMissing)(`files of others${casesMissing}`, () => {
  test.each(['04-rowspan.html', '04-rowspan.eml'])('%s', async (name) => {
    const read = await readHere(name, caseFile(name))
    expect(read.text).toContain('| North | 2024 | 12 |')
    expect(read.outcome).toBe('read')
  })
})
