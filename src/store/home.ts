/** A note in the home about the Parley that runs there, so that commands find it. Never a lock: see postgres/home-lock.ts. */
import { readFileSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
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
