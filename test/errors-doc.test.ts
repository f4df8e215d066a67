/** docs/ERRORS.md is held to the table of codes, and the table to the code that uses it. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, errorCodes } from '../src/core/errors.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/ERRORS.md'), 'utf8')

const entries = page
  .split(/^(?=#{2,3} )/m)
  .filter((section) => section.startsWith('### '))
  .map((section) => {
    const [heading = '', ...lines] = section.split('\n')
    const [, code = heading, retry] = /^### `(\w+)` \((\w+)\)$/.exec(heading) ?? []
    return { code, retry, text: lines.join('\n') }
  })

/** Codes that nothing raises yet, and what will. One that is used, or gone, must leave this table. */
const notYet: Partial<Record<ErrorCode, string>> = {}

describe('docs/ERRORS.md', () => {
  it('has one entry for each code, in the order of the table, with its word on trying again', () => {
    expect(entries.map(({ code, retry }) => [code, retry])).toEqual(Object.entries(errorCodes))
  })

  it.each(entries)('$code: says what happened and what to do, for the person and for the operator', ({ text }) => {
    const [what = ''] = text.split('- **Person:**')
    expect(what.trim().length).toBeGreaterThan(20)
    expect(text).toMatch(/^- \*\*Person:\*\* \S.+$/m)
    expect(text).toMatch(/^- \*\*Operator:\*\* \S.+$/m)
  })
})

describe('the table of codes', () => {
  const sources = ['src/**/*.ts', 'adapters/**/*.ts', 'workers/**/*.ts']
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !/generated\/|\/dist\/|core\/errors\.ts$|\.(?:test|contract|crashes)\b/.test(file))
    .map((file) => readFileSync(join(root, file), 'utf8'))

  it('holds no code that nothing raises, but those that wait for their platform', () => {
    expect(sources.length).toBeGreaterThan(60)
    const unused = Object.keys(errorCodes).filter((code) => !sources.some((text) => text.includes(`'${code}'`)))
    expect(unused.toSorted()).toEqual(Object.keys(notYet).toSorted())
  })
})
