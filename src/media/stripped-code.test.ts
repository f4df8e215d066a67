import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Formats, formats } from './formats.ts'
import { readerCode, sourceFiles, strippedFolder } from './stripped-code.ts'

describe('the code of reading processes', () => {
  const prepared = existsSync(strippedFolder())

  test.skipIf(!prepared)('has no types, file by file (skipped before `npm run prepare:run`)', () => {
    for (const file of sourceFiles()) {
      const code = readFileSync(join(strippedFolder(), file.replace(/\.ts$/, '.js')), 'utf8')
      expect(code, file).not.toMatch(/(?:from|import\() ?'\.[^'\n]*\.ts'/)
    }
  })

  test.skipIf(!prepared)('is what a format is read with (skipped before `npm run prepare:run`)', async () => {
    const code = readerCode(formats['application/pdf'].reader.module)
    expect(code.pathname).toMatch(/generated\/\w+\/media\/providers\/pdf\.js$/)
    expect(await import(code.href)).toHaveProperty('provider')
  })

  test.skipIf(!prepared)('knows where the readers of files within files are (skipped likewise)', async () => {
    const table = readerCode(new URL('./formats.ts', import.meta.url))
    const stripped: { formats: Formats } = await import(table.href)
    const readers = Object.values(stripped.formats).flatMap(({ reader }) => reader ?? [])
    expect(readers.length).toBeGreaterThan(20)
    for (const { module } of readers) expect(existsSync(module), module.href).toBe(true)
  })

  test('is the source itself outside of it', () => {
    const own = new URL(import.meta.url)
    expect(fileURLToPath(readerCode(new URL('../../test/fixtures/bad-provider.ts', own)))).toMatch(/bad-provider\.ts$/)
  })
})
