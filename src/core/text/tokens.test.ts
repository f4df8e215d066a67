import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { countTokens, countTokensInSlices } from './count-tokens.ts'
import { estimateTokens } from './estimate-tokens.ts'

const texts: [name: string, text: string, tokens: number][] = [
  ['nothing', '', 0],
  ['a greeting', 'Hello, world!', 4],
  ['English', 'The notice period is three months to the end of a quarter. '.repeat(20), 261],
  ['German', 'Die Kündigungsfrist beträgt drei Monate zum Quartalsende. '.repeat(20), 241],
  ['Chinese', '违约金为合同总额的百分之五。'.repeat(20), 240],
  ['code', 'const a = { b: [1, 2, 3] }\n'.repeat(20), 320],
]

/** Code and numbers have up to twice as many tokens as are estimated. */
const prose = texts.filter(([name]) => name !== 'code')

describe('tokens of a text', () => {
  it.each(texts)('of %s are counted by the tokenizer, at once and in slices', async (_, text, tokens) => {
    expect(countTokens(text)).toBe(tokens)
    expect(await countTokensInSlices(text)).toBe(tokens)
  })

  it.each(prose)('of %s are estimated without it, within a tenth below and a half above', (_, text, tokens) => {
    expect(estimateTokens(text)).toBeGreaterThanOrEqual(tokens * 0.9)
    expect(estimateTokens(text)).toBeLessThanOrEqual(tokens * 1.5 + 1)
  })

  it.each([
    'a  b   c \u00a0d\u2003e \n f\r\n\r\n g\t h',
    "don't   I'LL x's 12345 6,789.00 https://example.org/a?b=c//d .\n/usr ...\n\n  end ",
    '日本語 text 混在 ال المشكلات 🙂 🙂🙂 e\u0301 Ω≈ç',
    `${'word '.repeat(300)}${' '.repeat(300)}${'x'.repeat(60)} ${'ab1'.repeat(40)}`,
  ])('are the same in pieces as in one: %j', (text) => {
    expect(countTokens(text)).toBe(count(text))
    expect(countTokens(`${text} ${text}`)).toBe(count(`${text} ${text}`))
  })

  it('of a special token in the text are those of its letters', async () => {
    expect(countTokens('before <|endoftext|> after')).toBeGreaterThan(4)
  })

  it.each([
    ['letters', 'ab'],
    ['spaces', ' '],
    ['line ends', '\n'],
    ['signs of one script', '漢'],
    ['halves of signs', '\ud83d'],
  ])('of a megabyte of %s without a break are counted in proportion to its length', async (_, letter) => {
    const before = process.cpuUsage()
    expect(await countTokensInSlices(letter.repeat(1_000_000 / letter.length))).toBeGreaterThan(1_000)
    expect(process.cpuUsage(before).user).toBeLessThan(10e6)
  })

  it('of a long text in slices are those of the whole, but for the words at the cuts', async () => {
    const text = 'The notice period is three months. '.repeat(10_000)
    const whole = countTokens(text)
    expect(Math.abs((await countTokensInSlices(text)) - whole)).toBeLessThan(10)
  })
})
