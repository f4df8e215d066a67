import { describe, expect, it } from 'vitest'
import { estimateTokens } from './estimate-tokens.ts'

describe('estimated tokens', () => {
  it('are those of the tokenizer for ordinary text, and none for none', async () => {
    expect(await estimateTokens('Hello, world!')).toBe(4)
    expect(await estimateTokens('')).toBe(0)
  })

  it('count a special token in the text as text instead of failing', async () => {
    expect(await estimateTokens('before <|endoftext|> after')).toBeGreaterThan(4)
  })

  it('take an unbroken run of a megabyte in well under the time that its square would need', async () => {
    const from = performance.now()
    expect(await estimateTokens('ab'.repeat(500_000))).toBeGreaterThan(10_000)
    expect(performance.now() - from).toBeLessThan(5_000)
  })
})
