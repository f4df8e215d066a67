/** `parley admin …` and `parley compare …`: commands of the table from the terminal, as this machine's admin. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ApiError, CommandAnswer } from '../../adapters/console/api.ts'
import { ParleyError } from '../core/errors.ts'
import type { Delivery } from './client.ts'

export interface AdminOptions {
  parley: Delivery
  /** As they were typed, one an argument of the shell. */
  words: readonly string[]
  /** Where pictures and files go; without it they are named, not written. */
  out?: string | undefined
  print(text: string): void
}

/** Throws `request_invalid` or `command_invalid`, in Parley's own words, when nothing was done. */
export async function runAdmin({ parley, words, out, print }: AdminOptions): Promise<void> {
  const response = await fetch(new URL('/console/commands', parley.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...parley.headers },
    body: JSON.stringify({ id: randomUUID(), text: lineOf(words) }),
  })
  if (!response.ok) {
    const body = (await response.json().catch(() => null)) as ApiError | null
    throw new ParleyError('request_invalid', body?.error?.userMessage ?? 'Parley does not take that. Look at its log.')
  }
  const { text, failed, files } = (await response.json()) as CommandAnswer
  if (failed) throw new ParleyError('command_invalid', text)
  print(text)
  for (const { name, data } of files) {
    if (out === undefined) print(`(${name}: --out <folder> writes it)`)
    else {
      const path = resolve(out, name)
      await writeFile(path, Buffer.from(data, 'base64'))
      print(path)
    }
  }
}

/** One line, as it would be typed in a chat: what the shell held together stays together. */
export function lineOf(words: readonly string[]): string {
  if (words.length === 1) return words[0] ?? ''
  return words.map((word) => (/^[^\s"'\\]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`)).join(' ')
}
