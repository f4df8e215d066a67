import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settled } from '../../src/core/text/half-written.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { citation } from '../../test/fakes/source.ts'
import { footnotes, receiptLines, slackMaxChars, tail, toMrkdwn, toSlackMarkdown } from './format.ts'

describe('an answer in Slack', () => {
  it('keeps Markdown and aligns tables', () => {
    expect(toSlackMarkdown('# Title\n\n**bold** [1]\n\n| a | b |\n|--|--:|\n| x | 12 |')).toBe(
      '# Title\n\n**bold** [1]\n\n```\na   b\n─  ──\nx  12\n```',
    )
  })

  it('mentions no one, however a mention is written', () => {
    const words = '<!channel> <!here> <@U123> <!subteam^S1> @channel @everyone `<!channel>` [x](https://a.b "<!here>")'
    for (const form of [toSlackMarkdown(words), toMrkdwn(words)]) {
      expect(form).not.toMatch(/<[!@][A-Za-z]/)
      expect(form.replaceAll(/`[^`]*`/g, '')).not.toMatch(/@(?:channel|everyone|here)/)
    }
  })

  it('fits into one message even if aligning a table makes it longer', () => {
    const row = `| ${'x'.repeat(40)} | y |`
    const table = [
      '| a | b |',
      '|--|--|',
      ...Array.from({ length: 180 }, (_, at) => (at % 20 === 0 ? row : '| 1 | 2 |')),
    ]
    expect(toSlackMarkdown(table.join('\n')).length).toBeLessThanOrEqual(slackMaxChars)
    expect(toSlackMarkdown('a'.repeat(20_000)).length).toBeLessThanOrEqual(slackMaxChars)
  })

  it('links sources to their files', () => {
    const [block] = footnotes([citation(1, 'a|b<c>.pdf'), citation(2, 'gone.pdf')], ({ n }) =>
      n === 1 ? 'https://x.slack.com/files/U1/F1/a.pdf?a=1&b=2' : undefined,
    )
    expect(JSON.stringify(block)).toContain(
      '[1] <https://x.slack.com/files/U1/F1/a.pdf?a=1&amp;b=2|a¦b&lt;c&gt;.pdf, p. 3>\\n[2] gone.pdf, p. 3',
    )
  })

  it('lists the files that were not read', () => {
    const attachment = { attachmentId: 'a', name: 'big.pdf', problems: [] }
    const lines = receiptLines({
      ...receipt,
      notices: ['Stopped before the end.'],
      attachments: [
        { ...attachment, outcome: 'skipped', summary: 'skipped: 31 MB is over the limit of 25 MB' },
        { ...attachment, name: 'ok.txt', outcome: 'read', summary: '1 page read' },
      ],
    })
    expect(lines).toEqual([
      chatWording.files({ read: 1, partly: 0, skipped: 1 }),
      '• big.pdf: skipped: 31 MB is over the limit of 25 MB',
      '_Stopped before the end._',
    ])
  })

  it('offers buttons below an answer, and one below a failure', () => {
    const message = { turnId: 't1', text: 'x', phase: 'final' as const, citations: [] }
    const values = (state: 'done' | 'failed') =>
      [
        ...JSON.stringify(tail({ ...message, end: { state, receipt } }, () => undefined)).matchAll(
          /"value":"([^"]+)"/g,
        ),
      ].map(([, value]) => value)
    expect(values('done')).toEqual(['regenerate:t1', 'cheaper:t1', 'better:t1', 'why:t1', 'good:t1', 'bad:t1'])
    expect(values('failed')).toEqual(['regenerate:t1'])
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
