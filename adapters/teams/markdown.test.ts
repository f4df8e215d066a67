import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formattedAtMost } from '../../src/core/markdown/simplify.ts'
import { toTeams } from './markdown.ts'

describe('line breaks', () => {
  it.each([
    ['an address', 'Parley Ltd\nMain Street 5\n12345 Town', 'Parley Ltd  \nMain Street 5  \n12345 Town'],
    ['a poem in verses', 'One line,\ntwo.\n\nThree,\nfour.', 'One line,  \ntwo.\n\nThree,  \nfour.'],
    ['after a bold word', '**Name:** Ann\n**Age:** 5', '**Name:** Ann  \n**Age:** 5'],
    ['in a quote', '> one\n> two', '> one  \n> two'],
    ['in a list', '- one\n  more\n- two', '- one  \n  more\n- two'],
    ['a backslash', 'one\\\ntwo', 'one  \ntwo'],
    ['two spaces', 'one  \ntwo', 'one  \ntwo'],
    ['<br>', 'one<br>two', 'one  \ntwo'],
    ['Windows line ends', 'one\r\ntwo', 'one  \ntwo'],
  ])('are kept: %s', (_, markdown, shown) => {
    expect(toTeams(markdown)).toBe(shown)
  })

  it('in code stay as they are', () => {
    expect(toTeams('```\na\nb\n```')).toBe('```\na\nb\n```')
    expect(toTeams('`a\nb`')).toBe('`a\nb`')
  })

  it('between blocks stay as they are', () => {
    expect(toTeams('# Title\nText\n- item\n- item\n\n---\nEnd')).toBe('# Title\nText\n- item\n- item\n\n---\nEnd')
  })
})

describe('a table', () => {
  it('that is narrow is aligned in a code block', () => {
    expect(toTeams('| a | b |\n|---|--:|\n| x | 12 |')).toBe('```\na   b\n─  ──\nx  12\n```')
  })

  it('whose cells are long has them in several lines', () => {
    const text = `| Item | What it is |\n|---|---|\n| Desk | ${'A desk that moves up and down '.repeat(3)}|`
    expect(toTeams(text)).toMatch(/^```\nItem {2}What it is\n[\s\S]+\nDesk {2}A desk[^\n]+\n {6}\S[\s\S]+\n```$/)
  })

  it('of many columns is a list, a line or a list for each row', () => {
    const columns = (cell: (at: number) => string) =>
      `| ${Array.from({ length: 9 }, (_, at) => cell(at)).join(' | ')} |`
    const table = [columns((at) => `Heading ${at}`), columns(() => '---'), columns((at) => `${at}`)].join('\n')
    expect(toTeams(`See:\n\n${table}\n\nThat is all.`)).toMatch(
      /^See:\n\n- \*\*Heading 0: 0\*\*[\s\S]+\n\nThat is all\.$/,
    )
  })
})

describe('a task list', () => {
  it('shows its boxes', () => {
    expect(toTeams('- [x] built\n- [ ] tested\n  1. [X] here')).toBe('- ☑ built\n- ☐ tested\n  1. ☑ here')
  })

  it('is not made of brackets elsewhere', () => {
    expect(toTeams('Press [x] to close.\n\n```\n- [x] code\n```')).toBe('Press [x] to close.\n\n```\n- [x] code\n```')
  })
})

describe('what Teams does not know', () => {
  it.each([
    ['a formula', 'So $E = mc^2$.', 'So E = mc².'],
    ['a fence of tildes', '~~~py\na*b\n~~~', '```py\na*b\n```'],
    ['a title with a line below', 'Title\n=====', '# Title'],
    ['a footnote', 'So it is.[^1]\n\n[^1]: As we know.', 'So it is. (As we know.)'],
  ])('is written as Teams draws it: %s', (_, markdown, shown) => expect(toTeams(markdown).trim()).toBe(shown))
})

it('a text never becomes longer than the bound that is told without formatting it', () => {
  const piece = fc.constantFrom(
    ...[
      'word ',
      'a',
      ' ',
      '\n',
      '\n\n',
      '\n- ',
      '\n1) ',
      '\n> ',
      '\n> > ',
      '\n#### ',
      '\n---\n',
      '\n***\n',
      '**',
      '__',
      '*',
      '_',
      '~~',
    ],
    ...[
      '~',
      '`',
      '\n```\n',
      '\n~~~\n',
      '\n    code',
      '<b>',
      '<at>',
      '<',
      '"',
      '&amp;',
      '&',
      '@everyone',
      '$',
      '$x^2$',
      '$\\foo$',
      '$$',
    ],
    ...[
      '\\(',
      '\\)',
      '\\[',
      '\\]',
      '\\',
      '||',
      '|',
      '![a](https://x.org/a b)',
      '[a](javascript:x)',
      '[b](<https://x.org/(b) c>)',
    ],
    ...['https://x.org/a_b', '[x]', '\n- [x] done', '[1]', '<br>', '\\\n', '  \n', '\n===\n', '汉字', '👩‍👩‍👧‍👦'],
  )
  fc.assert(
    fc.property(fc.array(piece, { minLength: 5, maxLength: 80 }), (pieces) => {
      const text = pieces.join('')
      const bound = formattedAtMost(text)
      if (bound !== undefined) expect(JSON.stringify(toTeams(text)).length).toBeLessThanOrEqual(bound + 2)
    }),
    { numRuns: 500 },
  )
})
