/** What models write and some platforms do not know. */
import { describe, expect, it } from 'vitest'
import { simplify } from './simplify.ts'

const simple = (markdown: string) => simplify(markdown, { headings: 3 })
const flat = (markdown: string) => simplify(markdown, { headings: 3, flatQuotes: true })

describe('code', () => {
  it.each([
    [
      'between tildes',
      'Use this:\n\n~~~python\ndef f(__init__, *a):\n    return a**2\n~~~\n\nDone.',
      'Use this:\n\n```python\ndef f(__init__, *a):\n    return a**2\n```\n\nDone.',
    ],
    [
      'that is indented',
      'Run:\n\n    export __INIT__=1\n    rm *.tmp *.log\n\nDone.',
      'Run:\n\n```\nexport __INIT__=1\nrm *.tmp *.log\n```\n\nDone.',
    ],
    ['that is indented within a list', '- see\n\n      a*b*c\n\nend', '- see\n\n  ```\n  a*b*c\n  ```\n\nend'],
    ['between tildes within a quote', '> ~~~\n> a\n> ~~~', '> ```\n> a\n> ```'],
    ['that holds a fence', '~~~md\n```js\nx\n```\n~~~', '````md\n```js\nx\n```\n````'],
  ])('%s becomes a block', (_, markdown, expected) => expect(simple(markdown)).toBe(expected))
})

describe('headings', () => {
  it.each([
    ['Summary\n=======\n\nText.\n\nDetails\n-------\n\nMore.', '# Summary\n\nText.\n\n## Details\n\nMore.'],
    ['A title of\ntwo *lines*\n===', '# A title of two *lines*'],
    ['## Closed ##\n\ntext', '## Closed\n\ntext'],
    ['##### Deep **and** `code`', '**Deep and `code`**'],
  ])('are marked at the beginning of their line: %j', (markdown, expected) => expect(simple(markdown)).toBe(expected))
})

describe('references', () => {
  it.each([
    ['See [the docs][d].\n\n[d]: https://x.org/docs', 'See [the docs](https://x.org/docs).'],
    [
      'See [docs][] and [Docs].\n\n[docs]: https://x.org "Title"',
      'See [docs](https://x.org) and [Docs](https://x.org).',
    ],
    ['![chart][c] **[b][c]**\n\n[c]: https://x.org/c.png', '[chart](https://x.org/c.png) **[b](https://x.org/c.png)**'],
    ['[a][b]\n\n[b]: javascript:x', String.raw`\[a\]\[b\]`],
    ['[a][missing]', '[a][missing]'],
  ])('to links carry their address: %j', (markdown, expected) => expect(simple(markdown)).toBe(expected))

  it('that are citations keep their number and their line', () => {
    const markdown = 'So it is [1][2].\n\n[1]: https://x.org\n[2]: https://y.org'
    expect(simple('So it is [1] and [2].\n\n[1]: https://x.org')).toBe('So it is [1] and [2].\n\n[1]: https://x.org')
    expect(simple(markdown)).toContain('https://y.org')
  })
})

describe('footnotes', () => {
  it.each([
    ['A claim[^1].\n\n[^1]: The note.', 'A claim (The note.)'],
    ['A claim[^a], and more.\n\n[^a]: see **there**', 'A claim (see **there**), and more.'],
    ['One[^x] two[^x]\n\n[^x]: Both.', 'One¹ two¹\n\n¹ Both.'],
    [`One[^long]\n\n[^long]: ${'word '.repeat(60).trim()}`, `One¹\n\n¹ ${'word '.repeat(60).trim()}`],
    ['No note[^9] here', 'No note[^9] here'],
  ])('stand where they are referred to: %j', (markdown, expected) => expect(simple(markdown)).toBe(expected))
})

describe('lists', () => {
  it.each([
    ['- [x] done\n- [ ] open\n  - [X] inner', '- ☑ done\n- ☐ open\n  - ☑ inner'],
    ['1. [ ] first', '1. ☐ first'],
    ['+ one\n+ two', '- one\n- two'],
    ['1) one\n2) two', '1. one\n2. two'],
    ['- [a] no box', '- [a] no box'],
  ])('have boxes and marks that every platform shows: %j', (markdown, expected) =>
    expect(simple(markdown)).toBe(expected),
  )
})

describe('quotes where there is one level', () => {
  it.each([
    ['> one\n> > two\n> > > three\n> one', '> one\n> ┃ two\n> ┃ ┃ three\n> ┃ ┃ one'],
    ['>>> all of it\n\nafter', '> all of it\n\nafter'],
    ['>no space\nlazy', '> no space\n> lazy'],
    ['> a\n>\n> - b\n>   - c', '> a\n> \n> - b\n>   - c'],
    ['> ```js\n> x > 1\n> ```', '> ```js\n> x > 1\n> ```'],
    ['- item\n\n  > in it\n  > on', '- item\n\n  > in it\n  > on'],
  ])('are marked on each line: %j', (markdown, expected) => expect(flat(markdown)).toBe(expected))

  it('keep what several lines of a quote say, without marks in it', () => {
    expect(simple('> one @everyone\n> two')).toBe('> one @\u200Beveryone\n> two')
  })

  it('end, however deep they are', () => {
    expect(flat('>'.repeat(3000)).length).toBeLessThan(100)
    expect(flat('> '.repeat(1500)).length).toBeLessThan(100)
  })
})

describe('characters', () => {
  it.each([
    ['a&nbsp;b &amp; &copy; &#8364; &unknown;', 'a\u00a0b & © € &unknown;'],
    ['&lt;b&gt; &#42;x&#42;', String.raw`\<b\> \*x\*`],
    ['`&amp;`', '`&amp;`'],
    ['&lt;@1&gt; &#64;everyone', '\\<\u200B@1\\> @\u200Beveryone'],
  ])('written as entities are themselves: %j', (markdown, expected) => expect(simple(markdown)).toBe(expected))

  it.each([
    ['one\\\ntwo', 'one  \ntwo'],
    ['__bold__ and ~gone~', '**bold** and ~~gone~~'],
  ])('that mean something else elsewhere are replaced: %j', (markdown, expected) =>
    expect(simple(markdown)).toBe(expected),
  )
})

describe('links', () => {
  it.each([
    ['[https://x.org/a](https://x.org/a)', 'https://x.org/a'],
    ['[https://good.org](https://evil.org)', '[good.org](https://evil.org)'],
    ['[](https://x.org)', 'https://x.org'],
  ])('never show an address as words: %j', (markdown, expected) => expect(simple(markdown)).toBe(expected))
})
