/** `parley route --dry-run`, with and without a running Parley. It never calls a model. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RouteDecision } from '../../src/core/route-decision.ts'
import { howWording, reasonWording, whyWording } from '../../src/wording/routing.ts'
import { terminalWording } from '../../src/wording/terminal.ts'
import { makeManual } from '../fixtures/make-pdf.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

const cli = join(import.meta.dirname, '../../src/cli.ts')
let model: ScriptedOpenAi
let home: string
let settings: Record<string, string>

beforeAll(async () => {
  model = await startScriptedOpenAi({ models: [{ id: 'llama-3-8b' }, { id: 'llama-3-70b' }] })
  home = await temporaryHome()
  settings = { OPENAI_BASE_URL: model.url }
  await writeFile(join(home, 'manual.pdf'), await makeManual({ pages: 120, facts: {} }))
  await writeFile(join(home, 'broken.pdf'), '%PDF-1.7 and then nothing')
})
afterAll(async () => {
  await model.close()
  await removeHome(home)
})

const route = (...words: string[]) =>
  run([cli, 'route', '--dry-run', ...words], environment(home, settings), { cwd: home })

async function decision(...words: string[]): Promise<RouteDecision> {
  const { code, stdout, stderr } = await route('--json', ...words)
  expect(code, stderr).toBe(0)
  return RouteDecision.parse(JSON.parse(stdout))
}

it('explains the route of a plain question, a long manual, and an unreadable file', async () => {
  await using _parley: ParleyProcess = await startParley(home, settings)
  expect(await decision('How high is the Eiffel tower?')).toMatchObject({
    model: 'openai/llama-3-8b',
    by: 'tier',
    complexity: { tier: 'small', parts: [] },
    ranking: [{ model: 'openai/llama-3-8b', costNanoUsd: '0' }, { model: 'openai/llama-3-70b' }],
  })
  const long = await decision('manual.pdf', 'What does it say?')
  expect(long.complexity.parts.map(({ says }) => says)).toContain('120 pages')
  expect(long.complexity.score).toBeGreaterThan(2)
  const wished = await decision('--model', 'llama-3-70b', 'Hello')
  expect(wished).toMatchObject({ by: 'request', reason: reasonWording.requested('llama-3-70b', howWording.request) })

  const { stdout, stderr, code } = await route('broken.pdf', 'What does it say?')
  expect(code).toBe(0)
  expect(stderr).toContain(terminalWording.notCounted('broken.pdf', ''))
  expect(stdout).toContain(`openai/llama-3-8b ${whyWording.by.tier}. `)
  expect(stdout).toContain('Available models (2)')
  expect(model.requests).toEqual([])
})

it('works without a running Parley, and reports wrong arguments in one line', async () => {
  expect(await decision('Hello')).toMatchObject({ model: 'openai/llama-3-8b' })
  const unknown = await route('--model', 'lama', 'Hello')
  expect([unknown.code, unknown.stdout]).toEqual([1, ''])
  expect(unknown.stderr).toMatch(/^No model is called “lama”\..*\n$/)
  const nowhere = await route('--channel', 'slack', 'Hello')
  expect(nowhere.stderr).toMatch(/platform\/workspace\/channel/)
  const missing = await route('gone.pdf', 'Hello')
  expect(missing.stderr).toContain(terminalWording.fileMissing(join(home, 'gone.pdf')))
  expect(model.requests).toEqual([])
})
