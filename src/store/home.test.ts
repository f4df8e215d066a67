import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clearRunning, readRunning, writeRunning } from './home.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-home-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

describe('the note about the running Parley', () => {
  it('exists while its process runs and is removed at shutdown', async () => {
    expect(await readRunning(home)).toBeUndefined()
    await writeRunning(home, { url: 'http://127.0.0.1:8787' })
    expect(await readRunning(home)).toMatchObject({ pid: process.pid, url: 'http://127.0.0.1:8787' })
    await clearRunning(home)
    expect(await readRunning(home)).toBeUndefined()
  })

  it.each([
    ['of a process that is gone', (text: string) => text.replace(/"pid": \d+/, '"pid": 4194000')],
    ['whose process id now belongs to another', (text: string) => text.replace(/"identity": "\w/, '"identity": "x')],
    ['that is damaged', (text: string) => text.slice(0, 20)],
  ])('%s counts as none', async (_what, change) => {
    await writeRunning(home, { url: 'http://127.0.0.1:8787' })
    const file = join(home, 'parley.json')
    await writeFile(file, change(await readFile(file, 'utf8')))
    expect(await readRunning(home)).toBeUndefined()
  })
})
