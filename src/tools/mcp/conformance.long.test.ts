/**
 * The conformance suite of the Model Context Protocol for clients, against Parley's own connection. A scenario that is neither run nor named
 * here with its reason fails the test.
 */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const suite = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
)
const client = join(import.meta.dirname, '../../../test/servers/tools-client.ts')

const scenarios = ['initialize', 'tools_call', 'sse-retry']

const skipped: [scenario: RegExp, reason: string][] = [
  [/^auth\//, 'Parley does not sign in at servers of tools with OAuth yet: it sends the headers of parley.yaml'],
  [/^elicitation-/, 'Parley lets no server ask people questions, so it does not say that it can'],
]

describe('the conformance suite for clients', () => {
  it.each(scenarios)('%s passes', { timeout: 120_000 }, async (scenario) => {
    const command = `"${process.execPath}" "${client}"`
    const { stdout, stderr } = await run(process.execPath, [
      suite,
      'client',
      '--command',
      command,
      '--scenario',
      scenario,
    ])
    expect(`${stdout}${stderr}`).toMatch(/, 0 failed, 0 warnings/)
  })

  it('has no scenario that is left out without a reason', { timeout: 60_000 }, async () => {
    const { stdout } = await run(process.execPath, [suite, 'list', '--client'])
    const all = [...stdout.matchAll(/^ {2}- (\S+)/gm)].map(([, name = '']) => name)
    expect(all).toEqual(expect.arrayContaining(scenarios))
    const left = all.filter((name) => !scenarios.includes(name) && !skipped.some(([scenario]) => scenario.test(name)))
    expect(left).toEqual([])
  })
})
