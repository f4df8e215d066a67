import { describe, expect, it } from 'vitest'
import type { CommandSpec } from '../../src/core/command.ts'
import { isQuestion, typed } from './commands.ts'

const spec = (name: string): CommandSpec => ({ name, summary: '', role: 'member', args: [], examples: [] })
const table = [spec('budget set'), spec('usage'), spec('help')]

describe('text after /parley', () => {
  it.each([
    ['roles set <@U123ABC|alice> admin', 'roles set <@U123ABC> admin'],
    ['budget set <#C123ABC|general> 20', 'budget set <#C123ABC> 20'],
    ['templates save x see <https://a.b/c|a.b> &amp; &lt;that&gt;', 'templates save x see https://a.b/c & <that>'],
    ['   ', ''],
  ])('%j is read as %j', (text, expected) => {
    expect(typed(text)).toBe(expected)
  })

  it.each([
    ['budget set channel 20 month', false],
    ['usage', false],
    ['bugdet set 20', false],
    ['what does the report say about rain', true],
    ['why?', true],
    ['help me', false],
  ])('%j: a question? %s', (text, question) => {
    expect(isQuestion(text, table)).toBe(question)
  })
})
