import { expect, it } from 'vitest'
import { carriesText } from './carried-text.ts'

const file = 'The tenant shall give the landlord notice in writing ninety days before the end of a quarter.'

it.each([
  ['a run of eight words', 'tenant shall give the landlord notice in writing', true],
  ['in other case and punctuation', 'TENANT, shall "give" the landlord: notice in-writing', true],
  ['with invisible characters', 'ten\u200bant shall give the land\u00adlord notice in writing', true],
  ['in full-width letters', 'ｔｅｎａｎｔ shall give the landlord notice in writing', true],
  ['seven words', 'tenant shall give the landlord notice in', false],
  ['eight words that are no run', 'tenant notice landlord writing days quarter end before', false],
])('text of a file is recognized: %s', (_, query, carried) => {
  expect(carriesText(query, ['Something else.', file], [])).toBe(carried)
})

it('what the person wrote may be sent', () => {
  expect(carriesText('tenant shall give the landlord notice in writing', [file], [`Is this true: ${file}`])).toBe(false)
})

it('text of scripts without spaces is recognized by its words', () => {
  const chinese = '承租人应当在每个季度结束前九十天以书面形式通知出租人终止租赁合同'
  expect(carriesText(chinese.slice(0, 24), [chinese], [])).toBe(true)
  expect(carriesText('租赁合同', [chinese], [])).toBe(false)
})
