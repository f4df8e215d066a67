import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settled } from '../../src/core/text/half-written.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { citation, earlier } from '../../test/fakes/source.ts'
import { checkBlocks } from '../../test/servers/slack-blocks.ts'
import {
  contentsOf,
  footnotes,
  noticeContent,
  receiptLines,
  slackMaxChars,
  tail,
  toMrkdwn,
  toSlackMarkdown,
} from './format.ts'

describe('an answer in Slack', () => {
  it('keeps Markdown, tables included, which Slack draws', () => {
    const markdown = '# Title\n\n**bold** [1]\n\n| a | b |\n|--|--:|\n| x | 12 |'
    expect(toSlackMarkdown(markdown)).toBe(markdown)
  })

  it('has wide tables as tables, with line breaks and mentions in cells taken away', () => {
    const row = (cell: string) => `| ${[1, 2, 3, 4, 5, 6].map((n) => `${cell} ${n} of a long row`).join(' | ')} |`
    const table = [row('Heading'), `|${'--|'.repeat(6)}`, row('One<br>two'), row('<!channel>')].join('\n')
    const shown = toSlackMarkdown(table)
    expect(shown.split('\n')).toHaveLength(4)
    expect(shown).toContain('| One two 1 of a long row |')
    expect(shown).not.toContain('<!channel>')
  })

  it.each([
    ['in a quote', '> | a | b |\n> |--|--|\n> | x | y |'],
    ['in a list', '- see\n\n  | a | b |\n  |--|--|\n  | x | y |'],
    ['of 21 columns', `|${' a |'.repeat(21)}\n|${'--|'.repeat(21)}\n|${' b |'.repeat(21)}`],
    ['of 101 rows', `| a | b |\n|--|--|\n${'| 1 | 2 |\n'.repeat(100)}`],
    ['of more than 10,000 characters', `| a | b |\n|--|--|\n| ${'word '.repeat(2100)} | y |`],
  ])('aligns or lists a table that Slack does not draw: %s', (_, table) => {
    expect(toSlackMarkdown(table)).not.toMatch(/^[> ]*\|/m)
  })

  const slackFile = (n: number, title: string, name = 'a.pdf') => {
    const each = citation(n, title)
    return { ...each, source: { ...each.source, url: `https://x.slack.com/files/U1/F${n}/${name}` } }
  }

  it('links the numbers of its sources, but not in code, and not those without an address', () => {
    const text = 'One [1][2]. Not `a[1]`, not [3], not [my [1]](https://x.org).\n\n```\nb[1]\n```'
    expect(toSlackMarkdown(text, [slackFile(1, 'a'), slackFile(2, 'b'), citation(3, 'gone.pdf')])).toBe(
      'One [[1]](https://x.slack.com/files/U1/F1/a.pdf)[[2]](https://x.slack.com/files/U1/F2/a.pdf). Not `a[1]`, not [3], not [my [1]](https://x.org).\n\n```\nb[1]\n```',
    )
  })

  it('shows numbers without links rather than less text', () => {
    const text = `${'word '.repeat(1700)}${'[1]'.repeat(150)}`
    expect(toSlackMarkdown(text, [slackFile(1, 'a')])).toBe(text)
  })

  it('mentions no one, however a mention is written', () => {
    const words = '<!channel> <!here> <@U123> <!subteam^S1> @channel @everyone `<!channel>` [x](https://a.b "<!here>")'
    for (const form of [toSlackMarkdown(words), toMrkdwn(words)]) {
      expect(form).not.toMatch(/<[!@][A-Za-z]/)
      expect(form.replaceAll(/`[^`]*`/g, '')).not.toMatch(/@(?:channel|everyone|here)/)
    }
  })

  it('fits into one message even if aligning a large table makes it longer', () => {
    const row = `| ${'x'.repeat(40)} | y |`
    const table = [
      '| a | b |',
      '|--|--|',
      ...Array.from({ length: 180 }, (_, at) => (at % 20 === 0 ? row : '| 1 | 2 |')),
    ]
    expect(toSlackMarkdown(table.join('\n')).length).toBeLessThanOrEqual(slackMaxChars)
    expect(toSlackMarkdown('a'.repeat(20_000)).length).toBeLessThanOrEqual(slackMaxChars)
  })

  it('links sources to their files, also two files of one name', () => {
    const [block] = footnotes([
      slackFile(1, 'a|b<c>.pdf', 'a.pdf?a=1&b=2'),
      slackFile(2, 'a|b<c>.pdf'),
      citation(3, 'gone.pdf'),
    ])
    expect(block?.type).toBe('context')
    expect(JSON.stringify(block)).toContain(
      '[1] <https://x.slack.com/files/U1/F1/a.pdf?a=1&amp;b=2|a¦b&lt;c&gt;.pdf, p. 3>\\n[2] <https://x.slack.com/files/U1/F2/a.pdf|a¦b&lt;c&gt;.pdf, p. 3>\\n[3] gone.pdf, p. 3',
    )
  })

  it('links each of three pasted pictures of one name, also in the text and under marks in the name', () => {
    for (const name of ['image.png', '_image_.png']) {
      const cited = [1, 2, 3].map((n) => slackFile(n, name, 'image.png'))
      const url = (n: number) => `https://x.slack.com/files/U1/F${n}/image.png`
      const under = JSON.stringify(footnotes(cited))
      for (const n of [1, 2, 3]) {
        expect(toSlackMarkdown(`See [${n}].`, cited)).toBe(`See [[${n}]](${url(n)}).`)
        expect(under.split(url(n))).toHaveLength(2)
      }
    }
  })

  it('says who shared a file earlier, where and when, and links to it', () => {
    const url = 'https://x.slack.com/files/U1/F9/plan.pdf'
    const cited = { n: 1, source: earlier(1, 'plan.pdf', { url }), at: { kind: 'page' as const, page: 3 } }
    expect(JSON.stringify(footnotes([cited]))).toContain(
      `<${url}|plan.pdf, p. 3, shared by Ann in #sales on 2026-11-20>`,
    )
  })

  it.each(['Report *v1* _final_.md', '~old~ plan.md', '`code`.md', '_draft.md', '(*new*).md'])(
    'shows the name %s as it is',
    (name) => {
      const [block] = footnotes([slackFile(1, name), citation(2, 'plain_name_2.md')])
      expect(block).toEqual({
        type: 'rich_text',
        elements: [
          {
            type: 'rich_text_section',
            elements: [
              { type: 'text', text: '[1] ' },
              { type: 'link', url: 'https://x.slack.com/files/U1/F1/a.pdf', text: `${name}, p. 3` },
              { type: 'text', text: '\n[2] ' },
              { type: 'text', text: 'plain_name_2.md, p. 3' },
            ],
          },
        ],
      })
    },
  )

  const attachment = { attachmentId: 'a', name: 'big.pdf', problems: [] }
  const skipped = { ...attachment, outcome: 'skipped' as const, summary: 'skipped: 31 MB is over the limit of 25 MB' }
  const read = { ...attachment, name: 'ok.txt', outcome: 'read' as const, summary: '1 page read' }

  it('lists the files that were not read', () => {
    expect(receiptLines({ ...receipt, notices: ['Stopped before the end.'], attachments: [skipped, read] })).toEqual([
      'big.pdf was skipped: 31 MB is over the limit of 25 MB',
      'Stopped before the end.',
    ])
  })

  it('says nothing about files that were all read', () => {
    expect(receiptLines({ ...receipt, attachments: [read, { ...read, name: 'two.txt' }] })).toEqual([])
  })

  it('names a file once, and ends with one full stop', () => {
    const summary = 'skipped: big.pdf is no longer in Slack. Please share it again.'
    expect(receiptLines({ ...receipt, attachments: [{ ...skipped, summary }] })).toEqual([
      'big.pdf is no longer in Slack. Please share it again.',
    ])
  })

  it('shows the words of a receipt as they are', () => {
    const message = { turnId: 't1', text: 'x', phase: 'final' as const, citations: [] }
    const odd = { ...skipped, name: '*v1* <!channel> :smile:.pdf' }
    const [small] = tail({ ...message, end: { state: 'done', receipt: { ...receipt, attachments: [odd] } } })
    expect(small).toMatchObject({ type: 'context', elements: [{ type: 'plain_text', emoji: false }] })
    expect(JSON.stringify(small)).toContain('*v1*')
    expect(JSON.stringify(small)).not.toContain('<!channel>')
  })

  it('in the plainest form is text alone, with its sources', () => {
    const [, plain] = contentsOf('**Yes** [1].\n\n| a | b |\n|--|--|\n| x | 12 |', [slackFile(1, 'a.pdf')], [])
    expect(plain).toEqual({
      text: '*Yes* [1].\n\n```\na  b\n─  ──\nx  12\n```\n\n[1] <https://x.slack.com/files/U1/F1/a.pdf|a.pdf, p. 3>',
      blocks: [],
    })
  })
})

describe('a formula', () => {
  it('is text in the push notification and in the plainest form, too', () => {
    const [best, plain] = contentsOf('The energy is $E = mc^2$.', [], [])
    expect([best.text, plain.text]).toEqual(['The energy is E = mc².', 'The energy is E = mc².'])
  })
})

describe('a notice', () => {
  const button = { label: 'Approve once', action: { kind: 'approve', approvalId: 'a1' } } as const

  it('shows the people and channels that Parley names by ID, which the markdown block shows as they are written', () => {
    const text = 'A question from <@U1> would exceed the **daily** budget for <#C1>. `roles set <@U2> admin` & <!here>'
    const { text: push, blocks } = noticeContent({ text, buttons: [button] })
    const shown =
      'A question from <@U1> would exceed the *daily* budget for <#C1>. `roles set &lt;\u200B@U2&gt; admin` &amp; &lt;\u200B!here&gt;'
    expect(push).toBe(shown)
    expect(blocks).toMatchObject([
      { type: 'section', text: { type: 'mrkdwn', text: shown } },
      { type: 'actions', elements: [{ value: 'approve:a1' }] },
    ])
  })

  it.each(['`roles set <@U2> admin` names a person.', '| a | b |\n|--|--|\n| 1 | 2 |'])(
    'without such names keeps its Markdown: %s',
    (text) => {
      expect(noticeContent({ text }).blocks).toMatchObject([{ type: 'markdown' }])
    },
  )

  it('that is long and names people is several blocks, none too long for Slack, and none without words', () => {
    const text = Array.from({ length: 400 }, (_, at) => `- <@U${at}> asked a question`).join('\n')
    const { blocks } = noticeContent({ text })
    expect(blocks.length).toBeGreaterThan(1)
    checkBlocks(blocks)
    expect(blocks.map((block) => JSON.stringify(block)).join('')).toContain('<@U399>')
  })
})

describe('the settled part of an unfinished text', () => {
  it('is the start of every later version that Slack shows, for plain text, code, lists and tables', () => {
    const piece = fc.constantFrom(
      ...['word ', 'two words ', '**bold** ', '`code` ', '[link](https://a.b/c) ', '\n\n', '- item one\n', '1 < 2 '],
      ...[
        '\n\n| a | b |\n|--|--|\n| 1 | 22 |\n| 333 | 4 |\n\n',
        '\n\n```js\nlet a = 1\n```\n\n',
        '@here ',
        '<!channel> ',
      ],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.nat(400), (pieces, at) => {
        const whole = pieces.join('')
        const early = toSlackMarkdown(settled(whole.slice(0, at), { words: true }))
        expect(toSlackMarkdown(whole).startsWith(early.trimEnd())).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
