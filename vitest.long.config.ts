/**
 * `npm run test:long`: what takes half a minute to minutes, and has a shorter relative among the usual tests; and the files with
 * properties again, with a new seed.
 */
import { randomInt } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import usual from './vitest.config.ts'

const withProperties = globSync('{src,adapters,workers,test}/**/*.test.ts').filter((path) =>
  /from 'fast-check'/.test(readFileSync(path, 'utf8')),
)

export default defineConfig({
  test: {
    ...usual.test,
    include: ['**/*.long.test.ts', ...withProperties],
    exclude: ['node_modules/**'],
    maxWorkers: 1,
    provide: { propertySeed: Number(process.env.PROPERTY_SEED ?? randomInt(2 ** 31)) },
  },
})
