import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { terminalWording } from '../wording/terminal.ts'
import { replayFolder } from './replay.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-replay-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const thread = '11111111-1111-4111-8111-111111111111'
const message = (text: string) => ({
  path: `/console/threads/${thread}/messages`,
  body: { id: '22222222-2222-4222-8222-222222222222', text, uploads: [] },
})

async function replayed(files: Record<string, string | object>, json = false) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  const lines: string[] = []
  const failed = await replayFolder({ platform: 'console', folder, json, print: (line) => lines.push(line) })
  return { lines, failed }
}

describe('parley replay', () => {
  it('prints what the platform made of each recorded event', async () => {
    const { lines, failed } = await replayed({
      'b/named.json': {
        botName: 'Parley',
        question: message('What?'),
        stop: { path: `/console/turns/${thread}/stop` },
        other: { contextId: 1, deep: { nothing: true } },
      },
      'a.json': [message('One'), { path: '/console/status' }],
    })
    expect(failed).toBe(0)
    expect(lines).toEqual([
      `message   a.json#0  direct by local in console/local/${thread}: "One"`,
      'ignored   a.json#1  takes nothing in',
      `message   b/named.json#question  direct by local in console/local/${thread}: "What?"`,
      `action    b/named.json#stop  stop by local: ${thread}`,
      `ignored   b/named.json#other  ${terminalWording.replayNoEvent('console')}`,
      '2 message, 2 ignored, 1 action',
    ])
  })

  it('prints one JSON object per line for programs', async () => {
    const { lines } = await replayed({ 'a.json': message('One') }, true)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { name: 'a.json', kind: 'message', summary: expect.stringContaining('"One"') },
    ])
  })

  it('shows untrusted text on one short line without control characters', async () => {
    const { lines } = await replayed({ 'a.json': message(`\u001b[2J\u202e${'long '.repeat(1000)}`) })
    expect(lines[0]?.length).toBeLessThan(250)
    expect(lines[0]).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('counts files that are not JSON as failed', async () => {
    const { lines, failed } = await replayed({ 'a.json': '{"path":' })
    expect(failed).toBe(1)
    expect(lines[0]).toBe(`failed    a.json  ${terminalWording.replayInvalidJson}`)
  })

  it('lists the known platforms, and names a missing folder', async () => {
    const options = { folder, json: false, print: () => {} }
    await expect(replayFolder({ ...options, platform: 'irc' })).rejects.toMatchObject({
      userMessage: terminalWording.replayPlatformUnknown('irc', ['console', 'slack', 'discord', 'teams']),
    })
    await expect(replayFolder({ ...options, platform: 'console', folder: `${folder}/none` })).rejects.toMatchObject({
      code: 'file_missing',
    })
  })
})
