import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shorten, shortenTitle } from '../../src/core/text/shorten.ts'
import { threadName } from './thread-name.ts'

const named = (text: string) => threadName(text, 'plan.pdf')

describe('the name of a thread', () => {
  it.each([
    ['is it true that ||the butler did it||?', 'is it true that …?'],
    ['||**Ann** and\nBob|| married, who knew', '… married, who knew'],
    ['||a|| or ||b||', '… or …'],
  ])('hides what the asker hid as a spoiler: %s', (text, name) => expect(named(text)).toBe(name))

  it.each([
    ['why is `a || b || c` false?', 'why is a || b || c false?'],
    ['```js\nx || y || z\n```\nwhat is it?', 'x || y || z what is it?'],
    [String.raw`\||not hidden\||`, '||not hidden||'],
    ['a || b', 'a || b'],
  ])('shows double bars that hide nothing: %s', (text, name) => expect(named(text)).toBe(name))

  it.each([
    ['# **Big** _soft_ ~~old~~ __under__', 'Big soft old under'],
    ['> quoted\n\n- one\n- two', 'quoted one two'],
    ['see [the plan](https://x.org/a) and <https://x.org>', 'see the plan and https://x.org'],
    ['-# small\nwhat?', 'small what?'],
    ['snake_case_name and 2 * 3 * 4', 'snake_case_name and 2 * 3 * 4'],
  ])('has no markup: %s', (text, name) => expect(named(text)).toBe(name))

  it.each([
    ['how do I use Map<string> and a<b>c?', 'how do I use Map<string> and a<b>c?'],
    ['what does List<a, b> mean', 'what does List<a, b> mean'],
    ['if x < 3 and y > 2', 'if x < 3 and y > 2'],
    ['<div> or <span>?', '<div> or <span>?'],
  ])('keeps words in angle brackets: %s', (text, name) => expect(named(text)).toBe(name))

  it.each([
    ['<@&123456789012345678> <#123456789012345678> when is <t:1700000000:R>?', 'when is ?'],
    ['<a:wave:123456789012345678> hi </ask:123456789012345678>', ':wave: hi /ask'],
  ])('names what only a client can draw, or leaves it out: %s', (text, name) => expect(named(text)).toBe(name))

  it.each(['', '  ', '**', '<@&123456789012345678>', '||all of it||'])(
    'is that of the file where no words are left: "%s"',
    (text) => expect(named(text)).toBe('plan.pdf'),
  )

  it('ends with a whole character, also within an emoji of several', () => {
    expect(named(`${'a'.repeat(78)}😀😀 more text`)).toBe(`${'a'.repeat(78)}…`)
    expect(named(`${'a'.repeat(75)}👩‍👩‍👧‍👦 more text`)).toBe(`${'a'.repeat(75)}…`)
    expect(named(`${'e\u0301'.repeat(60)}`)).toBe(`${'e\u0301'.repeat(39)}…`)
  })

  it('is well formed and short enough, whatever was written', () => {
    const piece = fc.oneof(
      fc.constantFrom('||', '`', '```\n', '😀', '\ud83d', '<@1> ', 'Map<string> ', '**', '\\', '\n', '# ', 'word '),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 80 }), (pieces) => {
        const name = named(pieces.join(''))
        expect(name.isWellFormed()).toBe(true)
        expect(name.length).toBeGreaterThan(0)
        expect(name.length).toBeLessThanOrEqual(80)
      }),
    )
  })
})

it('a name that is too long ends with a whole word, unless that is most of it', () => {
  expect(shortenTitle('when does the lease end', 30)).toBe('when does the lease end')
  expect(shortenTitle('when does the lease end', 20)).toBe('when does the lease…')
  expect(shortenTitle('when does the lease end', 18)).toBe('when does the…')
  expect(shortenTitle('a Donaudampfschifffahrtsgesellschaft', 12)).toBe('a Donaudamp…')
})

describe('a text that is too long', () => {
  it('is cut between characters', () => {
    expect(shorten('abc', 3)).toBe('abc')
    expect(shorten('abcd', 3)).toBe('ab…')
    expect(shorten('ab🇩🇪cd', 5)).toBe('ab…')
    expect(shorten(`ab${'👨‍👩‍👧'}x`, 9)).toBe('ab…')
  })
})
