/**
 * What Parley puts into its home for its commands: a note about the process that runs there, so that they find it, and the
 * token that they prove themselves by. The note is never a lock: see postgres/embedded.ts.
 */

import { randomBytes } from 'node:crypto'
import { readFileSync, type Stats } from 'node:fs'
import { link, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ParleyError } from '../core/errors.ts'
import { homeWording } from '../wording/storage.ts'
import { isAlive } from './postgres/process.ts'

export type Running = z.infer<typeof Running>
export const Running = z.object({
  pid: z.number().int().positive(),
  /** Where its HTTP port answers, e.g. `http://127.0.0.1:8787`. */
  url: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  /** Tells this process from a later one with the same id, where the system can. */
  identity: z.string().optional(),
})

const noteIn = (home: string) => join(home, 'parley.json')

/** Call once the port answers. */
export async function writeRunning(home: string, running: { url: string; startedAt?: string }): Promise<void> {
  const { url, startedAt = new Date().toISOString() } = running
  const note: Running = { pid: process.pid, url, startedAt, identity: identityOf(process.pid) }
  await mkdir(home, { recursive: true })
  const draft = `${noteIn(home)}.${process.pid}`
  await writeFile(draft, `${JSON.stringify(note, null, 2)}\n`)
  await rename(draft, noteIn(home))
}

/** The Parley that runs on this home, or `undefined` when its process is gone. */
export async function readRunning(home: string): Promise<Running | undefined> {
  const text = await readFile(noteIn(home), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const note = Running.safeParse(parse(text)).data
  if (note === undefined || !isAlive(note.pid)) return undefined
  return note.identity === identityOf(note.pid) ? note : undefined
}

/** Call when stopping; a note that is not this process's own stays. */
export async function clearRunning(home: string): Promise<void> {
  if ((await readRunning(home))?.pid === process.pid) await rm(noteIn(home), { force: true })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Linux: the boot and the moment in it when the process began (field 22 of its stat). */
function identityOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; what follows is split by spaces from field 3 on.
    return `${boot}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return undefined
  }
}

const fileIn = (home: string) => join(home, 'terminal-token')
const form = /^terminal-[\w-]{43}$/

/**
 * The token file. Being able to read it proves that you are the user who runs Parley, not another user of the machine or a
 * proxy. The terminal sends it. Deleting it and restarting ends what was proven by it.
 *
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
