import { chmod, lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { homeWording } from '../wording/storage.ts'
import { clearRunning, ensureTerminalToken, readRunning, readTerminalToken, writeRunning } from './home.ts'

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

const windows = process.platform === 'win32'

describe.skipIf(windows)(windows ? 'the terminal’s token (Windows has no modes)' : 'the terminal’s token', () => {
  let file: string
  beforeEach(() => {
    file = join(home, 'terminal-token')
  })

  it('is created once, for this user only, and survives a restart', async () => {
    const { token } = await ensureTerminalToken(home)
    expect((await lstat(file)).mode & 0o777).toBe(0o600)
    expect(await readTerminalToken(home)).toBe(token)
    expect(await ensureTerminalToken(home)).toEqual({ token, kept: true })
  })

  it('is the same for all processes that start at once', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => ensureTerminalToken(home)))
    expect(new Set(made.map(({ token }) => token)).size).toBe(1)
    expect(await readTerminalToken(home)).toBe(made[0]?.token)
  })

  it('that others can read is rejected and replaced at the next start', async () => {
    const { token } = await ensureTerminalToken(home)
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      await chmod(file, mode)
      await expect(readTerminalToken(home)).rejects.toMatchObject({ code: 'credentials_missing' })
    }
    expect((await ensureTerminalToken(home)).token).not.toBe(token)
    expect((await lstat(file)).mode & 0o777).toBe(0o600)
  })

  it('that is a link, damaged or missing is rejected', async () => {
    await expect(readTerminalToken(home)).rejects.toThrow(homeWording.tokenUnusable(join(home, 'terminal-token')))
    await ensureTerminalToken(home)
    const elsewhere = join(home, 'elsewhere')
    await writeFile(elsewhere, await readFile(file), { mode: 0o600 })
    await rm(file)
    await symlink(elsewhere, file)
    await expect(readTerminalToken(home)).rejects.toMatchObject({ code: 'credentials_missing' })
    await rm(file)
    await writeFile(file, 'short', { mode: 0o600 })
    await expect(readTerminalToken(home)).rejects.toMatchObject({ code: 'credentials_missing' })
    expect((await ensureTerminalToken(home)).token).toBe(await readTerminalToken(home))
  })

  it('that cannot be stored is used by this process only, and Parley still starts', async () => {
    const noFolder = join(home, 'a-file')
    await writeFile(noFolder, '')
    const [first, second] = [await ensureTerminalToken(noFolder), await ensureTerminalToken(noFolder)]
    expect([first.kept, second.kept]).toEqual([false, false])
    expect(first.token).not.toBe(second.token)
  })
})
