import { describe, expect, it } from 'vitest'
import { mention, nearest, words } from './line.ts'

const table: [line: string, words: string[]][] = [
  ['', []],
  ['  models   list ', ['models', 'list']],
  ['persona instructions "Be brief."', ['persona', 'instructions', 'Be brief.']],
  ['templates save “weekly report” x', ['templates', 'save', 'weekly report', 'x']],
  ["it's Anna's turn", ["it's", "Anna's", 'turn']],
  ['say "he said \\"no\\"" now', ['say', 'he said "no"', 'now']],
  ['a "quote without an end', ['a', '"quote', 'without', 'an', 'end']],
  ['--for="this channel" x', ['--for=this channel', 'x']],
  ['two\nlines\tand tabs', ['two', 'lines', 'and', 'tabs']],
  ['budget set <@U1|anna smith> 5', ['budget', 'set', '<@U1|anna', 'smith>', '5']],
  ['12\\" pizza', ['12"', 'pizza']],
  ['""', ['']],
]

describe('a typed line', () => {
  it.for(table)('%j', ([line, expected]) => {
    expect(words(line).map(({ text }) => text)).toEqual(expected)
  })

  it('reads mentions of people and channels from every platform', () => {
    expect(mention('<@U123>')).toEqual({ kind: 'person', id: 'U123' })
    expect(mention('<@!80351110224678912>')).toEqual({ kind: 'person', id: '80351110224678912' })
    expect(mention('<#C123|general>')).toEqual({ kind: 'channel', id: 'C123' })
    expect(mention('@anna')).toBeUndefined()
  })

  it('corrects a typo but not a different word', () => {
    const known = ['models', 'budget', 'usage', 'policy']
    expect(nearest('modles', known)).toBe('models')
    expect(nearest('budgte', known)).toBe('budget')
    expect(nearest('POLICY', known)).toBe('policy')
    expect(nearest('weather', known)).toBeUndefined()
  })
})
