import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formattedAtMost } from '../../src/core/markdown/simplify.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Citation, Receipt } from '../../src/core/reply.ts'
import { noticeWording } from '../../src/wording/answers.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { discordButtons, discordReceipt } from '../../src/wording/discord.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { citation, earlier } from '../../test/fakes/source.ts'
import { replyRows } from './components.ts'
import { discordMarkdown, fits, formatNotice, formatReply, maxContent, maxMarkdown } from './format.ts'

const part = (text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  turnId: 't',
  text,
  phase: 'final',
  citations: [],
  ...more,
})
const ended = (text: string, more: Partial<Receipt> = {}, citations: Citation[] = []) =>
  part(text, { citations, end: { state: 'done', receipt: { ...receipt, ...more } } })
const cited = (n: number, title = 'report.pdf'): Citation => citation(n, title, { at: { kind: 'page', page: n } })

describe('the text of a message', () => {
  it('shows tables as aligned columns in a code block', () => {
    expect(formatReply(part('| a | bb |\n|--|--:|\n| x | 1 |\n| yyy | 22 |'))).toBe(
      '```\na    bb\n───  ──\nx     1\nyyy  22\n```',
    )
  })

  it('shows a wide table row by row', () => {
    const wide = `| Name | What it says |\n|--|--|\n| one | ${'word '.repeat(90)} |`
    expect(formatReply(part(wide))).toBe(`- **Name: one**\n  - What it says: ${'word '.repeat(90).trim()}`)
  })

  it('breaks long cells of a table over several lines, as long as it stays a table', () => {
    const wide = `| Name | What it says |\n|--|--|\n| one | ${'word '.repeat(20).trim()} |\n| two | short |`
    expect(formatReply(part(wide)).split('\n')).toEqual([
      '```',
      'Name  What it says',
      expect.stringMatching(/^──── {2}─{66}$/),
      expect.stringMatching(/^one {3}(?:word ?){13}$/),
      expect.stringMatching(/^ {6}(?:word ?){7}$/),
      '',
      'two   short',
      '```',
    ])
  })

  it('escapes double bars, replaces rules, and limits headings to three levels', () => {
    expect(formatReply(part('a || b || c\n\n---\n\n#### Deep'))).toBe('a \\|\\| b \\|\\| c\n\n──────────\n\n**Deep**')
  })

  it('leaves code unchanged', () => {
    expect(formatReply(part('```js\na || b // @everyone\n```'))).toBe('```js\na || b // @everyone\n```')
  })

  it('never pings anyone because of a model’s or a file’s text', () => {
    expect(formatReply(part('Hi @everyone and <@123456789012345678>'))).toBe(
      'Hi @\u200Beveryone and <\u200B@123456789012345678>',
    )
  })

  it('mentions people in Parley’s own notices', () => {
    expect(formatNotice('Ask <@123456789012345678>, not @everyone').content).toBe(
      'Ask <@123456789012345678>, not @\u200Beveryone',
    )
  })
})

describe('the end of a reply', () => {
  it('shows sources and the model in small print, and nothing of what went well', () => {
    const files = [
      { attachmentId: '1', name: 'report.pdf', outcome: 'read' as const, summary: '200 pages read', problems: [] },
    ]
    const text = formatReply(ended('So [1].', { attachments: files, costNanoUsd: '1200000' }, [cited(1)]))
    expect(text.split('\n')).toEqual(['So [1].', '-# [1] report.pdf, p. 1', '-# m'])
  })

  it('shows files that were not read, and every notice', () => {
    const files = [
      { attachmentId: '1', name: 'a.pdf', outcome: 'read' as const, summary: '', problems: [] },
      {
        attachmentId: '2',
        name: 'b.mov',
        outcome: 'skipped' as const,
        summary: 'skipped: 310 MB is over the limit of 100 MB',
        problems: [],
      },
    ]
    const text = formatReply(ended('So.', { attachments: files, notices: ['It was cut off.'] }))
    expect(text).toContain('-# ⚠️ It was cut off.')
    expect(text).toMatch(/^-# ⚠️ b\.mov.*: 310 MB is over the limit of 100 MB$/m)
    expect(text).not.toContain('a.pdf')
  })

  it('names a skipped file once where the reason names it', () => {
    const summary = 'skipped: b.mov is empty. Check it.'
    const file = { attachmentId: '2', name: 'b.mov', outcome: 'skipped' as const, summary, problems: [] }
    expect(formatReply(ended('So.', { attachments: [file] }))).toBe('So.\n-# ⚠️ b.mov is empty. Check it.\n-# m')
    expect(chatWording.unreadFile(file)).toBe('b.mov is empty. Check it.')
  })

  it('does not warn of an answer that somebody stopped', () => {
    const text = formatReply(ended('Once', { notices: [noticeWording.stopped] }))
    expect(text).toBe(`Once\n-# ⏹️ ${noticeWording.stopped}\n-# m`)
  })

  it('names each file once, with all of its places', () => {
    const of = (n: number, ref: number, title: string, page: number) => ({
      ...citation(ref, title, { at: { kind: 'page', page } }),
      n,
    })
    const citations = [of(1, 1, 'a.pdf', 3), of(2, 2, 'b.pdf', 1), of(3, 1, 'a.pdf', 7), of(4, 3, 'a.pdf', 2)]
    expect(formatReply(ended('So.', {}, citations)).split('\n')[1]).toBe(
      '-# [1] a.pdf, p. 3, [3] p. 7 · [2] b.pdf, p. 1 · [4] a.pdf, p. 2',
    )
  })

  it('says once who shared a file earlier, and links each of its places as far as the text leaves room', () => {
    const at = (n: number, ref: number, page: number) => {
      const url = `https://discord.com/channels/1077000000000000001/1077000000000000002/107700000000000000${ref}`
      return { n, source: earlier(ref, 'plan.pdf', { url }), at: { kind: 'page' as const, page } }
    }
    const citations = [at(1, 1, 3), at(2, 2, 4), at(3, 3, 5), at(4, 1, 9)]
    const [, sources = ''] = formatReply(ended('So.', {}, citations)).split('\n')
    expect(sources).toContain('plan.pdf, p. 3, shared by Ann in \\#sales on 2026-11-20](<https://discord.com/')
    expect(sources).toContain(', [4] [p. 9](<https://discord.com/')
    expect(sources.match(/\]\(<https:/g)).toHaveLength(4)
    const long = formatReply(ended('word '.repeat(299), {}, citations))
    expect(long.length).toBeLessThanOrEqual(2000)
    expect(long).toContain('[1] [plan.pdf, p. 3, shared by Ann')
  })

  it('shows a source without its link before it cuts an address', () => {
    const web = (n: number) => {
      const one = cited(n, `Page ${n}`)
      return { ...one, source: { ...one.source, url: `https://example.com/${'long/'.repeat(30)}${n}` } }
    }
    const text = formatReply(ended('x'.repeat(1_519), {}, [1, 2, 3, 4].map(web)))
    const [, sources = ''] = text.split('\n')
    expect(sources.match(/\]\(<https:[^>]*>\)/g)).toHaveLength(2)
    expect(sources).toContain('[4] Page 4, p. 4')
    expect(sources).not.toMatch(/…|<https:[^>]*$/)
  })

  it('counts all sources where long notices leave no room to name one', () => {
    const notices = [`Long ${'words '.repeat(75)}`.trim()]
    const text = formatReply(ended('x'.repeat(1_519), { notices }, [cited(1), cited(2)]))
    expect(text.split('\n')[1]).toBe(`-# ${discordReceipt.sources(2)}`)
  })

  it('shows an error as an error, without a model', () => {
    const text = formatReply(ended('The model is away. Try again.', { model: 'none', error: 'model_unreachable' }))
    expect(text).toBe(discordReceipt.error('The model is away. Try again.'))
  })

  it('counts the sources that do not fit', () => {
    const many = Array.from({ length: 60 }, (_, n) => cited(n + 1, `a rather long name of a file ${n}.pdf`))
    const text = formatReply(ended('So.', {}, many))
    const [, left] = /(\d+) more/.exec(text) ?? []
    expect(Number(left)).toBeGreaterThan(0)
    expect(text).toContain(discordReceipt.moreSources(Number(left)))
  })
})

describe('a notice that is too long', () => {
  const lines = Array.from({ length: 90 }, (_, n) => `- model ${n}: its abilities and price`)

  it('ends with a whole line, and says where all of it is', () => {
    const { content, isCut } = formatNotice(lines.join('\n'), 'all.md')
    expect(isCut).toBe(true)
    expect(content.length).toBeLessThanOrEqual(maxContent)
    const shown = content.split('\n')
    expect(shown.at(-1)).toBe(`-# ${discordReceipt.wholeIn('all.md')}`)
    expect(shown.slice(0, -1)).toEqual(lines.slice(0, shown.length - 1))
  })

  it('does not put that line into code', () => {
    const { content } = formatNotice(`\`\`\`\n${lines.join('\n')}\n\`\`\``, 'all.md')
    expect(content.split('\n').slice(-2)).toEqual(['```', `-# ${discordReceipt.wholeIn('all.md')}`])
  })

  it('is cut within a line only where it has no other', () => {
    expect(formatNotice('word '.repeat(900), 'all.md').content).toContain(
      `word…\n-# ${discordReceipt.wholeIn('all.md')}`,
    )
  })

  it('is one also where only its formatted text is too long', () => {
    const text = '@everyone '.repeat(199).trim()
    expect(text.length).toBeLessThanOrEqual(maxContent)
    expect(formatNotice(text, 'all.md').isCut).toBe(true)
  })
})

it('no part is longer than Discord allows, whatever it contains', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '| a | b |\n|--|--|\n| 1 | 2 |\n',
      '@everyone ',
      '<@1> ',
      '||',
      '```\n',
      '#### h\n',
      '---\n',
      '[x](http://y.z)',
      '\\',
      '🙂',
    ),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 300 }), fc.array(fc.string(), { maxLength: 6 }), (pieces, notices) => {
      const text = pieces.join('').slice(0, maxMarkdown)
      const message = ended(text, { notices }, [cited(1), cited(2)])
      expect(formatReply(message).length).toBeLessThanOrEqual(maxContent)
    }),
    { numRuns: 150 },
  )
})

describe('the length that is told without formatting', () => {
  const holds = (text: string) => {
    const bound = formattedAtMost(text)
    if (bound !== undefined) expect(discordMarkdown(text).length).toBeLessThanOrEqual(bound)
  }

  it.each(['\n***\n', '\n* * *\n', '-# word ', '\n#### ', '````', '__\\', '__&', '~~~`'])(
    'is never less than that of %j',
    holds,
  )

  it('is never less than that of any text', () => {
    const piece = fc.constantFrom(
      ...[
        'word ',
        ' ',
        '\n',
        '\n- ',
        '\n1) ',
        '\n+ ',
        '\n> ',
        '\n> > ',
        '\n# ',
        '\n#### ',
        '\n---\n',
        '\n* * *\n',
        '\n-# ',
      ],
      ...[
        '**',
        '__',
        '*',
        '_',
        '~~',
        '~',
        '`',
        '``',
        '\n```js x\n',
        '\n~~~\n',
        '\n    code',
        '\n\tcode',
        '<b>',
        '<@1>',
        '<br>',
      ],
      ...[
        '"',
        '&amp;',
        '&',
        '@everyone',
        '$x^2$',
        '$\\foo$',
        '$$',
        '\\(',
        '\\]',
        '\\',
        '||',
        '|',
        '\n- [x] done',
        '[1]',
        '[^1]',
      ],
      ...[
        '![a](https://x.org/a b)',
        '[a](javascript:x)',
        '[b](<https://x.org/(b) c>)',
        'https://x.org/a_b',
        'a@b.cc',
        '汉字',
      ],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => holds(pieces.join(''))),
      { numRuns: 300 },
    )
  })
})

describe('the buttons below', () => {
  const labels = (state: 'done' | 'stopped' | 'failed', more: Partial<Receipt> = {}) =>
    replyRows(part('So.', { end: { state, receipt: { ...receipt, ...more } } }), undefined).flatMap(({ components }) =>
      components.map((each) => ('label' in each && each.label) || ('emoji' in each && each.emoji?.name)),
    )

  it('an answer rate it, below one that was stopped they write it again', () => {
    expect(labels('done')).toEqual(['👍', '👎', discordButtons.more])
    expect(labels('stopped')).toEqual([discordButtons.tryAgain, discordButtons.more])
    expect(labels('stopped', { model: 'none' })).toEqual([discordButtons.tryAgain])
    expect(labels('failed')).toEqual([discordButtons.tryAgain])
  })
})

describe('what Discord reads in its own way', () => {
  it.each([
    ['````md\n```js\nx\n```\n````', '```md\n`\u200B`\u200B`js\nx\n`\u200B`\u200B`\n```'],
    ['```ts title="a"\nx\n```', '```ts\nx\n```'],
    ['a__b__c and ____', String.raw`a\_\_b\_\_c and \_\_\_\_`],
    ['-# not small', String.raw`\-# not small`],
    ['_Reading my_file.pdf…_', '*Reading my_file.pdf…*'],
    ['_a **b**_ and **_c_**', '*a **b*** and ***c***'],
    ['> > inner', '> ┃ inner'],
    ['- [x] done', '- ☑ done'],
    ['E is $mc^2$', 'E is mc²'],
  ])('%j', (markdown, expected) => expect(formatReply(part(markdown))).toBe(expected))

  it('tells whether a part is one message when it is formatted', () => {
    expect(fits('word '.repeat(250))).toBe(true)
    expect(fits('|| '.repeat(500))).toBe(false)
  })
})
