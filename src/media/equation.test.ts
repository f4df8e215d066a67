/** Equations, raised, lowered and struck-out text: the value on the line is the value on the page. */
import { Parser } from 'htmlparser2'
import { describe, expect, test } from 'vitest'
import { fileWording } from '../wording/files.ts'
import { createEquations } from './providers/equation.ts'
import { createStyledText, type TextStyle } from './providers/styled-text.ts'
import { createUnread } from './unread.ts'

function lineOf(xml: string): string {
  const lines: string[] = []
  const equations = createEquations((line) => lines.push(line))
  const parser = new Parser(
    {
      onopentag: (name, attributes) => void equations.open(name, attributes),
      ontext: (words) => void equations.text(words),
      onclosetag: () => void equations.close(),
    },
    { xmlMode: true, decodeEntities: true },
  )
  parser.end(xml)
  return lines.join('\n')
}

const r = (text: string) => `<m:r><m:t>${text}</m:t></m:r>`
const f = (over: string, under: string) => `<m:f><m:num>${over}</m:num><m:den>${under}</m:den></m:f>`
const sup = (base: string, power: string) => `<m:sSup><m:e>${base}</m:e><m:sup>${power}</m:sup></m:sSup>`
const val = (name: string, value: string) => `<m:${name} m:val="${value}"/>`

describe("Word's equations", () => {
  test.each([
    [
      'x = (-b ± √(b^2 - 4ac))/(2a)',
      r('x=') +
        f(
          `${r('-b±')}<m:rad><m:radPr>${val('degHide', '1')}</m:radPr><m:deg/><m:e>${sup(r('b'), r('2'))}${r('-4ac')}</m:e></m:rad>`,
          r('2a'),
        ),
    ],
    ['E = 3/4·10^12', r('E=') + f(r('3'), r('4')) + sup(r('10'), r('12'))],
    ['2 1/2', r('2') + f(r('1'), r('2'))],
    ['sin θ = (mλ)/a', r('sin\u2061') + r('θ=') + f(r('mλ'), r('a'))],
    ['5.5 × 10^-6 mm', r('5.5×') + sup(r('10'), r('−6')) + r(' mm')],
    ['e^(x + 1)', sup(r('e'), r('x+1'))],
    ['(a + b)^2', sup(`<m:d><m:e>${r('a+b')}</m:e></m:d>`, r('2'))],
    ['(x^2)^3', sup(sup(r('x'), r('2')), r('3'))],
    ["f'(x)", sup(r('f'), r("'")) + r('(x)')],
    [
      'x_1^2 + x_2^2',
      `<m:sSubSup><m:e>${r('x')}</m:e><m:sub>${r('1')}</m:sub><m:sup>${r('2')}</m:sup></m:sSubSup>${r('+')}<m:sSubSup><m:e>${r('x')}</m:e><m:sub>${r('2')}</m:sub><m:sup>${r('2')}</m:sup></m:sSubSup>`,
    ],
    [
      '∑_(i = 1)^n i^2',
      `<m:nary><m:naryPr>${val('chr', '∑')}</m:naryPr><m:sub>${r('i=1')}</m:sub><m:sup>${r('n')}</m:sup><m:e>${sup(r('i'), r('2'))}</m:e></m:nary>`,
    ],
    ['∫_0^1 x dx', `<m:nary><m:sub>${r('0')}</m:sub><m:sup>${r('1')}</m:sup><m:e>${r('x dx')}</m:e></m:nary>`],
    ['∛(x)', `<m:rad><m:deg>${r('3')}</m:deg><m:e>${r('x')}</m:e></m:rad>`],
    ['(x)^(1/n)', `<m:rad><m:deg>${r('n')}</m:deg><m:e>${r('x')}</m:e></m:rad>`],
    [
      '[1, 2; 3, 4]',
      `<m:d><m:dPr>${val('begChr', '[')}${val('endChr', ']')}</m:dPr><m:e><m:m><m:mr><m:e>${r('1')}</m:e><m:e>${r('2')}</m:e></m:mr><m:mr><m:e>${r('3')}</m:e><m:e>${r('4')}</m:e></m:mr></m:m></m:e></m:d>`,
    ],
    [
      '(n over k)',
      `<m:d><m:e><m:f><m:fPr>${val('type', 'noBar')}</m:fPr><m:num>${r('n')}</m:num><m:den>${r('k')}</m:den></m:f></m:e></m:d>`,
    ],
    [
      'lim_(x → 0) f(x)',
      `<m:func><m:fName><m:limLow><m:e>${r('lim')}</m:e><m:lim>${r('x→0')}</m:lim></m:limLow></m:fName><m:e>${r('f(x)')}</m:e></m:func>`,
    ],
    [
      'x̂ + bar(xy)',
      `<m:acc><m:e>${r('x')}</m:e></m:acc>${r('+')}<m:bar><m:barPr>${val('pos', 'top')}</m:barPr><m:e>${r('xy')}</m:e></m:bar>`,
    ],
    ['45° = a/b', `${sup(r('45'), r('∘'))}${r('=')}${f(r('a'), r('b'))}`],
    [
      '{x; -x',
      `<m:d><m:dPr>${val('begChr', '{')}${val('endChr', '')}</m:dPr><m:e><m:eqArr><m:e>${r('&amp;x')}</m:e><m:e>${r('&amp;-x')}</m:e></m:eqArr></m:e></m:d>`,
    ],
  ])('%s', (line, omml) => {
    expect(lineOf(`<m:oMath>${omml}</m:oMath>`)).toBe(line)
  })
})

test('signs that Word sets upright are signs, and words stay words', () => {
  const upright = (text: string) => `<m:r><m:rPr><m:nor/></m:rPr><m:t xml:space="preserve">${text}</m:t></m:r>`
  expect(
    lineOf(`<m:oMath>${r('x')}${upright('=')}${upright('sin\u2061')}${r('θ')}${upright(' if x - y holds')}</m:oMath>`),
  ).toBe('x = sin θ if x - y holds')
})

describe('MathML', () => {
  test.each([
    [
      'x = (-b ± √(b^2 - 4ac))/(2a)',
      '<mi>x</mi><mo>=</mo><mfrac><mrow><mo>−</mo><mi>b</mi><mo>±</mo><msqrt><msup><mi>b</mi><mn>2</mn></msup><mo>−</mo><mn>4</mn><mi>a</mi><mi>c</mi></msqrt></mrow><mrow><mn>2</mn><mi>a</mi></mrow></mfrac>',
    ],
    ['a_1^2', '<msubsup><mi>a</mi><mn>1</mn><mn>2</mn></msubsup>'],
    ['sin x + 2·3', '<mi>sin</mi><mo>\u2061</mo><mi>x</mi><mo>+</mo><mn>2\u20623</mn>'],
    ['(a, b)', '<mfenced><mi>a</mi><mi>b</mi></mfenced>'],
    [
      'm/s',
      '<semantics><mfrac><mi>m</mi><mi>s</mi></mfrac><annotation encoding="StarMath 5.0">m over s</annotation></semantics>',
    ],
    [
      '∑_(i = 1)^n i',
      '<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mo>\u2061</mo><mi>i</mi>',
    ],
    ['∛(8) = 2', '<mroot><mn>8</mn><mn>3</mn></mroot><mo>=</mo><mn>2</mn>'],
    ['^(14)_(6)C', '<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>14</mn></mmultiscripts>'],
    ['x', '<constructor><mi>x</mi></constructor>'],
    ['~~x~~', '<menclose notation="updiagonalstrike"><mi>x</mi></menclose>'],
  ])('%s', (line, mathml) => {
    expect(lineOf(`<math>${mathml}</math>`)).toBe(line)
    const prefixed = mathml.replaceAll(/<(\/?)(?=m|semantics|annotation)/g, '<$1math:')
    expect(lineOf(`<math:math>\n  ${prefixed}\n</math:math>`)).toBe(line)
  })

  test('an equation without end in depth is cut with an ellipsis', () => {
    expect(lineOf(`<math>${'<mrow><mn>1</mn>'.repeat(900)}${'</mrow>'.repeat(900)}</math>`)).toMatch(/^1{198} …$/)
  })

  test('an endless equation is cut with an ellipsis', () => {
    expect(lineOf(`<math>${'<mn>1</mn><mo>+</mo>'.repeat(50_000)}</math>`).slice(-10)).toBe(' + 1 + 1 …')
  })
})

describe('raised, lowered and struck-out text', () => {
  const sup: TextStyle = { script: 'super' }
  const sub: TextStyle = { script: 'sub' }
  const struck: TextStyle = { struck: true }
  const plain: TextStyle = {}
  test.each<[string, [string, TextStyle][]]>([
    [
      '10^6 cells in 25 m^2.',
      [
        ['10', plain],
        ['6', sup],
        [' cells in 25 m', plain],
        ['2', sup],
        ['.', plain],
      ],
    ],
    [
      'H_2O and x_max',
      [
        ['H', plain],
        ['2', sub],
        ['O and x', plain],
        ['max', sub],
      ],
    ],
    [
      '10^12',
      [
        ['10', plain],
        ['1', sup],
        ['2', sup],
      ],
    ],
    [
      '10^(6)5',
      [
        ['10', plain],
        ['6', sup],
        ['5', plain],
      ],
    ],
    [
      'x^(n+1)',
      [
        ['x', plain],
        ['n+1', sup],
      ],
    ],
    [
      '10^-3 and Ca^2+ ions',
      [
        ['10', plain],
        ['-3', sup],
        [' and Ca', plain],
        ['2+', sup],
        [' ions', plain],
      ],
    ],
    [
      'the 5th of Parley™',
      [
        ['the 5', plain],
        ['th', sup],
        [' of Parley', plain],
        ['™', sup],
      ],
    ],
    [
      '~~900~~ 750',
      [
        ['900 ', struck],
        ['750', plain],
      ],
    ],
    [
      'was ~~9 00~~, ~~10^6~~',
      [
        ['was', plain],
        [' 9', struck],
        [' ', struck],
        ['00', struck],
        [', ', plain],
        ['10', struck],
        ['6', { ...sup, ...struck }],
      ],
    ],
    [
      'a  b',
      [
        ['a', plain],
        [' ', sup],
        [' ', struck],
        ['b', plain],
      ],
    ],
  ])('%s', (line, runs) => {
    const styled = createStyledText()
    expect(runs.map(([text, style]) => styled.write(text, style)).join('') + styled.end()).toBe(line)
  })
})

test('parts that were not read become one sentence, and the same logo counts once', () => {
  const sentences: string[] = []
  const unread = createUnread('report.docx', { problem: ({ userMessage }) => sentences.push(userMessage) })
  unread.report()
  for (const logo of ['logo.png', 'logo.png', 'plan.png']) unread.saw('picture', logo)
  unread.saw('hidden passage')
  unread.saw('embedded file')
  unread.report()
  expect(sentences).toEqual([
    'report.docx contains 2 pictures, 1 hidden passage and 1 embedded file that were not read. Share on its own what you need of that.',
  ])
  expect(fileWording.notice.unread('a.odt', [['hidden passage', 1]])).toBe(
    'a.odt contains 1 hidden passage that was not read.',
  )
})
