import { describe, expect, test } from 'vitest'
import { splitBlocks } from './blocks.ts'
import { formulasAsCode, isFormulaBlock } from './formulas.ts'

const r = String.raw

describe('formulas in an answer', () => {
  test.each([
    [r`So \(a^2\) it is.`, r`So ${'`'}\(a^2\)${'`'} it is.`],
    [r`Sum \[\sum_i x_i\, dx\] here`, r`Sum ${'`'}\[\sum_i x_i\, dx\]${'`'} here`],
    [r`$$a_1 * b * c_1$$`, '`$$a_1 * b * c_1$$`'],
    [r`Two: \(x\) and \(y\).`, r`Two: ${'`'}\(x\)${'`'} and ${'`'}\(y\)${'`'}.`],
    ['over \\(a\n+ b\\) lines', '`\\(a + b\\)`'.replace(/^/, 'over ').replace(/$/, ' lines')],
    [r`with a tick \(a${'`'}b\)`, r`with a tick ${'``'}\(a${'`'}b\)${'``'}`],
  ])('%s is kept to the letter', (text, expected) => expect(formulasAsCode(text, false)).toBe(expected))

  test.each([
    r`a number \[1\] that is no citation`,
    r`the file report \[final\].pdf`,
    r`code ${'`'}\(a\)${'`'} stays code`,
    r`two backslashes \\(a\\)`,
    'it costs $5 and $6',
    'not closed \\(a',
    'over a gap \\(a\n\nb\\)',
  ])('%s is no formula', (text) => expect(formulasAsCode(text, false)).toBe(text))

  test('one that is still being written is shown as one', () => {
    expect(formulasAsCode(r`So \(a_1 + b_`, true)).toBe(r`So ${'`'}\(a_1 + b_${'`'}`)
    expect(formulasAsCode(r`So \[1`, true)).toBe(r`So \[1`)
  })

  test.each([
    ['\\[\na\n- b\n\n= c\n\\]', true],
    ['$$\n\\frac{a}{b}\n$$', true],
    ['\\[ a = b \\]', false],
    ['\\[1\\] and more', false],
  ])('on lines of its own: %s', (formula, block) => {
    const blocks = splitBlocks(`Before\n${formula}\nAfter`)
    expect(blocks.some(isFormulaBlock)).toBe(block)
    if (block) expect(blocks).toEqual(['Before', formula, 'After'])
  })
})
