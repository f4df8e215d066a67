/**
 * The token file in the home. Being able to read it proves that you are the user who runs Parley, not another user of the machine
 * or a proxy. The terminal sends it; the page's cookie is signed with it. Deleting it and restarting ends all of both.
 */
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { link, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ParleyError } from '../core/errors.ts'
import { homeWording } from '../wording/storage.ts'

const fileIn = (home: string) => join(home, 'terminal-token')
const form = /^terminal-[\w-]{43}$/

/**
 * Call before the port opens. Makes the file where there is none, or where others could have read it. `kept: false`: the home
 * cannot hold a private file, so the token is this process's alone and no command can prove itself by it.
 */
export async function ensureTerminalToken(home: string): Promise<{ token: string; kept: boolean }> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const known = await readPrivate(home)
    if (known !== undefined) return { token: known, kept: true }
    // Only what is there and no good: a process that starts at the same time may just be making the file.
    if (await lstat(fileIn(home)).catch(() => undefined)) await rm(fileIn(home), { force: true }).catch(() => undefined)
    if (!(await write(home).catch(() => false))) break
  }
  return { token: createToken(), kept: false }
}

const createToken = () => `terminal-${randomBytes(32).toString('base64url')}`

async function write(home: string): Promise<true> {
  await mkdir(home, { recursive: true })
  const draft = `${fileIn(home)}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, `${createToken()}\n`, { mode: 0o600, flag: 'wx' })
  try {
    // A link never replaces the file of a gateway that started at the same time.
    await link(draft, fileIn(home)).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') await rename(draft, fileIn(home))
    })
  } finally {
    await rm(draft, { force: true })
  }
  return true
}

/** For the command line. Throws `credentials_missing` where the file is not there, not this user's, or open to others. */
export async function readTerminalToken(home: string): Promise<string> {
  const known = await readPrivate(home)
  if (known !== undefined) return known
  throw new ParleyError('credentials_missing', homeWording.tokenUnusable(fileIn(home)))
}

async function readPrivate(home: string): Promise<string | undefined> {
  const stats = await lstat(fileIn(home)).catch(() => undefined)
  if (stats === undefined || !isPrivate(stats)) return undefined
  const token = (await readFile(fileIn(home), 'utf8').catch(() => '')).trim()
  return form.test(token) ? token : undefined
}

/** Windows has neither owner nor mode to look at. */
function isPrivate(stats: Stats): boolean {
  const user = process.getuid?.()
  if (user === undefined) return stats.isFile()
  // Root may read every file, and in a container runs the commands beside a Parley of another user.
  return stats.isFile() && (stats.uid === user || user === 0) && (stats.mode & 0o077) === 0
}
