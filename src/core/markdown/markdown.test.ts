import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { citation, earlier } from '../../../test/fakes/source.ts'
import { escapeMarkdown, fenced, withoutMentions } from './escape.ts'
import { parseMarkdown } from './parse.ts'
import { simplify } from './simplify.ts'
import { linked, sourceLines } from './sources.ts'
import { columns } from './table.ts'
import { type Dialect, translate } from './translate.ts'

/** A dialect much like Slack's. */
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const dialect: Dialect = {
  text: escaped,
  strong: (inner) => `*${inner}*`,
  emphasis: (inner) => `_${inner}_`,
  strike: (inner) => `~${inner}~`,
  code: (code) => `\`${escaped(code)}\``,
  fence: (code) => `\`\`\`\n${escaped(code)}\n\`\`\``,
  link: (inner, url) => `<${url}|${inner}>`,
  heading: (inner) => `*${inner}*`,
  quote: (inner) => inner.replaceAll(/^/gm, '&gt; '),
  bullet: (depth) => (depth === 0 ? '• ' : '◦ '),
  rule: '———',
}
const slackish = (markdown: string) => translate(markdown, dialect)
const discordish = (markdown: string) => simplify(markdown, { headings: 3 })

const table = `| Region | Net | Note |
|:--|--:|:-:|
| North | 1,200 | a **b** |
| 東京 | 7 | |`

describe('a text in another dialect', () => {
  it('keeps its forms', () => {
    expect(slackish('# Title\n\nA **bold**, *soft*, ~~gone~~ `a<b` & [page](https://x.org/a_b)  \nnext')).toBe(
      '*Title*\n\nA *bold*, _soft_, ~gone~ `a&lt;b` &amp; <https://x.org/a_b|page>\nnext',
    )
  })

  it('keeps lists in lists, their numbers, ticks and code', () => {
    const markdown = '3. three\n   - in\n     more\n4. four\n\n- [x] done\n- [ ] open\n  ```js\n  a()\n  ```'
    expect(slackish(markdown)).toBe('3. three\n   ◦ in\n     more\n4. four\n\n• ☑ done\n• ☐ open\n  ```\n  a()\n  ```')
  })

  it('keeps quotes around what they quote', () => {
    expect(slackish('> one\n>\n> - two')).toBe('&gt; one\n&gt; \n&gt; • two')
  })

  it('has tables as aligned columns in a code block', () => {
    expect(slackish(table)).toBe(
      [
        ...['```', 'Region    Net  Note', '──────  ─────  ────'],
        ...['North   1,200  a b', '東京        7', '```'],
      ].join('\n'),
    )
  })

  it('tells a table that is too wide row by row', () => {
    expect(translate(table, dialect, { tableColumns: 10 })).toBe(
      '• *Region* North\n  *Net* 1,200\n  *Note* a b\n• *Region* 東京\n  *Net* 7',
    )
  })

  it('links nothing but the web and mail, and fetches no pictures', () => {
    expect(slackish('[a](javascript:alert) ![b](https://evil.example/?q=secret) [c](slack://x)')).toBe(
      'a (javascript:alert) <https://evil.example/?q=secret|b> c (slack://x)',
    )
    expect(slackish('[a](<https://x.org/a|b c>)')).toBe('<https://x.org/a%7Cb%20c|a>')
  })

  it('keeps citations, and what has no form there, as they were written', () => {
    expect(slackish('So it is [1][2].\n\n[1]: https://x.org\n\n<b>x</b><br>y')).toBe(
      'So it is [1][2].\n\n[1]: https://x.org\n\n&lt;b&gt;x&lt;/b&gt;\ny',
    )
  })

  it('that is half written is read as far as it goes', () => {
    expect(slackish('A **bol')).toBe('A **bol')
    expect(slackish('```py\nprint(')).toBe('```\nprint(\n```')
  })

  it('mentions no one, whatever the text contains', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
        expect(slackish(parts.join(''))).not.toMatch(/<(?!https:\/\/|mailto:)/)
      }),
    )
  })
})

const pieces = [
  ...['<!channel>', '<@U1>', '<#C1>', '@everyone', '@here', '<at>Ann</at>', '`', '```\n', '**', '_', '[', ']'],
  ...[
    '(https://x.org)',
    '(javascript:x)',
    '\n',
    '\n\n',
    '> ',
    '- ',
    '1. ',
    '| a | b |\n',
    '|---|---|\n',
    '<!--',
    '-->',
  ],
  ...['<b>', '&lt;', '![', '# ', '\\', 'word ', '[1]', '[1]: <@U1>\n', '<https://x.org>', '    ', '\t'],
]

describe('a text for a platform that reads some Markdown', () => {
  it('stands as it was written where the platform can show it', () => {
    const markdown =
      '## Title\n\nA **bold** \\*star\\* [page](https://x.org) `code`\n\n* one\n    * two\n\n> quote\n\n```js\na | b\n```\n'
    expect(discordish(markdown)).toBe(markdown)
  })

  it('has tables as code, also within lists and quotes', () => {
    expect(discordish(`- see\n\n  ${table.replaceAll('\n', '\n  ')}\n\nend`)).toBe(
      [
        ...['- see', '', '  ```', '  Region    Net  Note', '  ──────  ─────  ────'],
        ...['  North   1,200  a b', '  東京        7', '  ```', '', 'end'],
      ].join('\n'),
    )
    expect(discordish('> | a | b |\n> |---|---|\n> | 1 | 2 |')).toBe('> ```\n> a  b\n> ─  ─\n> 1  2\n> ```')
  })

  it('has wide tables row by row', () => {
    expect(simplify(table, { headings: 3, tableColumns: 10 })).toBe(
      '- **Region: North** · Net: 1,200 · Note: a b\n- **Region: 東京** · Net: 7',
    )
  })

  it('has deep headings in bold, and pictures and strange links as words', () => {
    expect(discordish('#### Deep **one** ##\n\n![b*](https://x.org/p(1).png) [a](javascript:alert)')).toBe(
      String.raw`**Deep one**

[b\*](https://x.org/p%281%29.png) \[a\](javascript:alert)`,
    )
  })

  it('shows markup of other languages instead of obeying it', () => {
    expect(discordish('a<br>b <b>c</b>')).toBe(String.raw`a
b \<b>c\</b>`)
  })

  it('mentions no one outside of code', () => {
    expect(discordish('@everyone <@1> `@everyone`')).toBe('@\u200Beveryone <\u200B@1> `@everyone`')
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...pieces.filter((piece) => !/[`\t ]{1}$|^`|^ {4}/.test(piece))), { maxLength: 30 }),
        (parts) => {
          const words = discordish(parts.join('')).replaceAll(/```[\s\S]*?(?:```|$)/g, '')
          expect(words).not.toMatch(/@(?:everyone|here)|<[@!#]/)
        },
      ),
    )
  })

  it('bare addresses stay whole', () => {
    expect(discordish('See https://x.org/@ann, <https://x.org/@here> and ann@here.org.')).toBe(
      'See https://x.org/@ann, <https://x.org/%40here> and ann@here.org.',
    )
  })
})

describe('reading', () => {
  it('of what is nested a thousand deep ends', () => {
    for (const text of ['>'.repeat(3000), '- '.repeat(1000), '['.repeat(3000), '*a '.repeat(1500), '**'.repeat(2000)]) {
      expect(typeof slackish(text)).toBe('string')
      expect(typeof discordish(text)).toBe('string')
    }
  })

  it('takes GitHub’s dialect', () => {
    expect(parseMarkdown(`${table}\n\n~~x~~`).children.map(({ type }) => type)).toEqual(['table', 'paragraph'])
  })
})

describe('words that stay words', () => {
  it('as the name of a file', () => {
    expect(escapeMarkdown('report_[v1]*.pdf')).toBe(String.raw`report\_\[v1\]\*.pdf`)
    expect(parseMarkdown(escapeMarkdown('a`b<c>_d_ **e** [f](g) #h')).children).toMatchObject([
      { type: 'paragraph', children: [{ type: 'text', value: 'a`b<c>_d_ **e** [f](g) #h' }] },
    ])
  })

  it('as mentions', () => {
    for (const mention of ['@everyone', '@HERE', '<@U1>', '<!channel>', '<#C1>', '<@&1>', '</at>'])
      expect(withoutMentions(mention)).not.toBe(mention)
    for (const word of ['ann@example.org', 'a < b', '@ann', '<b>', 'everyone']) expect(withoutMentions(word)).toBe(word)
  })

  it('in a fence that they cannot close', () => {
    expect(fenced('a\n```\nb', 'md')).toBe('````md\na\n```\nb\n````')
  })
})

describe('sources', () => {
  it('are named with their place', () => {
    expect(sourceLines([citation(1, 'report.pdf')])).toEqual({
      lines: [{ n: 1, place: 'report.pdf, p. 3', at: 'p. 3', url: undefined }],
      left: 0,
    })
  })

  it('with an address are links to the cited page, which nothing in their title or address breaks', () => {
    const source = { n: 1, kind: 'page' as const, title: 'A ](x) [b', url: 'https://a.example/r.pdf', ref: 'r' }
    const { lines } = sourceLines([{ n: 1, source, at: { kind: 'page', page: 7 } }])
    expect(lines[0]?.url).toBe('https://a.example/r.pdf#page=7')
    expect(lines.map(linked)).toEqual([String.raw`[A \](x) \[b, p. 7](<https://a.example/r.pdf#page=7>)`])
    const odd = { ...source, title: 't', url: 'https://a.example/>)<b c' }
    expect(sourceLines([{ n: 1, source: odd, at: { kind: 'lines', from: 1, to: 1 } }]).lines.map(linked)).toEqual([
      '[t, line 1](<https://a.example/%3E)%3Cb%20c>)',
    ])
    const script = { ...source, url: 'javascript:alert(1)' }
    expect(sourceLines([{ n: 1, source: script, at: { kind: 'page', page: 1 } }]).lines[0]?.url).toBeUndefined()
  })

  it('that were shared earlier say by whom, where and when, and nothing in a name is markup', () => {
    const shared = { by: '*Ann* [x](y)', at: '2026-11-20T09:30:00.000Z', place: '#sales' }
    const { lines } = sourceLines([{ n: 1, source: earlier(1, 'plan.pdf', { shared }), at: { kind: 'page', page: 3 } }])
    expect(lines).toMatchObject([{ at: 'p. 3', url: 'https://files.example/1' }])
    expect(lines.map(linked)).toEqual([
      String.raw`[plan.pdf, p. 3, shared by \*Ann\* \[x\](y) in \#sales on 2026-11-20](<https://files.example/1>)`,
    ])
  })

  it('that do not fit are counted', () => {
    const many = Array.from({ length: 50 }, (_, n) => citation(n + 1, `${'long name '.repeat(20)}${n}.pdf`))
    const { lines, left } = sourceLines(many, 500)
    expect(lines.map(({ n, place }) => `[${n}] ${place}\n`).join('').length).toBeLessThanOrEqual(500)
    expect(lines.length + left).toBe(50)
    expect(left).toBeGreaterThan(0)
  })
})

describe('columns of a code block', () => {
  it('count what the eye sees', () => {
    expect([columns('abc'), columns('東京'), columns('👍🏽'), columns('é'), columns('e\u0301')]).toEqual([
      3, 4, 2, 1, 1,
    ])
  })
})
