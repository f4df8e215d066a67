/**
 * Seeds the properties of fast-check: `npm test` draws the same values in every run, `npm run test:long` new ones. A failure
 * reports its seed.
 */
import { readFileSync } from 'node:fs'
import { expect, inject } from 'vitest'

declare module 'vitest' {
  export interface ProvidedContext {
    propertySeed: number
  }
}

// Most test files have no properties, and loading fast-check takes 0.1 s.
const { testPath } = expect.getState()
if (testPath !== undefined && /from 'fast-check'/.test(readFileSync(testPath, 'utf8'))) {
  const { configureGlobal } = await import('fast-check')
  configureGlobal({ seed: inject('propertySeed') })
}
