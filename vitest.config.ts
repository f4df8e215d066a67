import { defineConfig } from 'vitest/config'
import { skipReasons } from './test/skip-reasons.ts'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'adapters/**/*.test.ts', 'workers/**/*.test.ts', 'test/**/*.test.ts'],
    // `npm run test:long` runs these.
    exclude: ['node_modules/**', '**/*.long.test.ts'],
    // Tests run real databases, readers and browsers on as little as two cores: a slow machine is not a defect.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
    globalSetup: ['test/shared-postgres.ts'],
    setupFiles: ['test/property-seed.ts'],
    provide: { propertySeed: Number(process.env.PROPERTY_SEED ?? 1) },
    reporters: ['default', skipReasons],
  },
})
