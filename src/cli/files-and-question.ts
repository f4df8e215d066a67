/** What is typed after `ask` and `route`: files, then the question. */
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { ParleyError } from '../core/errors.ts'

/** Throws `request_invalid` where the question was forgotten. Paths start at `folder`. */
export async function filesAndQuestion(
  words: readonly string[],
  folder: string,
): Promise<{ files: string[]; question: string }> {
  const question = words.at(-1) ?? ''
  const known = question === '' ? null : await stat(resolve(folder, question)).catch(() => null)
  if (known?.isFile())
    throw new ParleyError(
      'request_invalid',
      `${basename(question)} is a file. Write the question after it: ask ${question} "What does it say?"`,
    )
  return { files: words.slice(0, -1), question }
}
