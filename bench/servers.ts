/** What every bench needs beside it: a scripted model as a process of its own, and the built-in database's processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ScriptedReply } from '../test/servers/openai.ts'
import { descendants } from './processes.ts'

const root = join(import.meta.dirname, '..')

export interface ModelServer extends AsyncDisposable {
  /** Ends in `/v1`. */
  url: string
  pid: number
}

/** `tokens` words, one every `everyMs`, the first one at once. */
export async function startModel({ tokens, everyMs }: { tokens: number; everyMs: number }): Promise<ModelServer> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  const script = join(folder, 'replies.json')
  const reply: ScriptedReply = { tokens: Array.from({ length: tokens }, (_, at) => `word${at} `), everyMs }
  await writeFile(script, JSON.stringify([reply]))
  const server = join(root, 'test/servers/openai.ts')
  const child = spawn(process.execPath, [server, '--port', '0', '--script', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await firstLine(child)
  await rm(folder, { recursive: true })
  return { url, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => end(child) }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the model server has no output')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('the model server ended before it gave its address')
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** The built-in PostgreSQL: its first process and all that it started. */
export async function databasePids(home: string): Promise<number[]> {
  const note = await readFile(join(home, 'postgres-location.json'), 'utf8').catch(() => null)
  const base = note === null ? join(home, 'postgres') : (JSON.parse(note) as { base: string }).base
  const first = Number((await readFile(join(base, 'data/postmaster.pid'), 'utf8')).split('\n')[0])
  return [first, ...descendants(first)]
}
