/** `parley admin …` and `parley compare …`: runs chat commands from the terminal, as this machine's admin. */

import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
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
  print(text: string): void
}

/** Throws `request_invalid` or `command_invalid` with Parley's message if the command failed. */
export async function runAdmin({ parley, words, out, print }: AdminOptions): Promise<void> {
  const response = await fetch(new URL('/console/commands', parley.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...parley.headers },
    body: JSON.stringify({ id: randomUUID(), text: lineOf(words) }),
  })
  if (!response.ok) {
    const body = (await response.json().catch(() => null)) as ApiError | null
    throw new ParleyError('request_invalid', body?.error?.userMessage ?? terminalWording.refused)
  }
  const { text, failed, files } = (await response.json()) as CommandAnswer
  if (failed) throw new ParleyError('command_invalid', text)
  print(text)
  for (const { name, data } of files) {
    if (out === undefined) print(terminalWording.saveWithOut(name))
    else {
      const path = resolve(out, name)
      await writeFile(path, Buffer.from(data, 'base64'))
      print(path)
    }
  }
}

/** The command as typed in a chat; arguments with spaces are quoted. */
export function lineOf(words: readonly string[]): string {
  if (words.length === 1) return words[0] ?? ''
  return words.map((word) => (/^[^\s"'\\]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`)).join(' ')
}
