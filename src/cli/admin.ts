/** `parley admin …` and `parley compare …`: runs chat commands from the terminal, as this machine's admin. */

import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ApiError, CommandAnswer } from '../../adapters/console/api.ts'
import { ParleyError } from '../core/errors.ts'
import { terminalWording } from '../wording/terminal.ts'
import type { ParleyAddress } from './client.ts'

export interface AdminOptions {
  parley: ParleyAddress
  /** The shell's arguments. */
  words: readonly string[]
  /** Where to save pictures and files; without it, only their names are printed. */
  out?: string | undefined
  json?: boolean
  print(text: string): void
  /** Sends a command that asks a question as a message of a thread, and prints the answer. */
  ask(line: string): Promise<void>
}

/** Throws `request_invalid` or `command_invalid` with Parley's message if the command failed. */
export async function runAdmin({ parley, words, out, json = false, print, ask }: AdminOptions): Promise<void> {
  const line = lineOf(words)
  const response = await fetch(new URL('/console/commands', parley.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...parley.headers },
    body: JSON.stringify({ id: randomUUID(), text: line }),
  })
  if (!response.ok) {
    const body = (await response.json().catch(() => null)) as ApiError | null
    throw new ParleyError('request_invalid', body?.error?.userMessage ?? terminalWording.refused)
  }
  const { text, failed, asks, files } = (await response.json()) as CommandAnswer
  if (asks) return await ask(line)
  if (failed) throw new ParleyError('command_invalid', text)
  if (!json) print(text)
  const saved: string[] = []
  if (out !== undefined && files.length > 0) await mkdir(out, { recursive: true })
  for (const { name, data } of files) {
    const path = out === undefined ? undefined : resolve(out, name)
    if (path !== undefined) {
      await writeFile(path, Buffer.from(data, 'base64'))
      saved.push(path)
    }
    if (!json) print(path ?? terminalWording.saveWithOut(name))
  }
  if (json) print(JSON.stringify({ text, files: files.map(({ name }) => name), saved }, null, 2))
}

/** The command as typed in a chat; arguments with spaces are quoted. */
export function lineOf(words: readonly string[]): string {
  if (words.length === 1) return words[0] ?? ''
  return words.map((word) => (/^[^\s"'\\]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`)).join(' ')
}
