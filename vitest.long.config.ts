/** What takes half a minute to minutes, and has a shorter relative among the usual tests: `npm run test:long`. */
import { defineConfig } from 'vitest/config'
import usual from './vitest.config.ts'

export default defineConfig({
  test: { ...usual.test, include: ['**/*.long.test.ts'], exclude: ['node_modules/**'], maxWorkers: 1 },
})
