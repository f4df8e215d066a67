/** The arguments of `ask` and `route`: files, then the question. */

import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { ParleyError } from '../core/errors.ts'
import { terminalWording } from '../wording/terminal.ts'

/** Throws `request_invalid` if the question is missing. Relative paths start at `folder`. */
export async function filesAndQuestion(
  words: readonly string[],
  folder: string,
): Promise<{ files: string[]; question: string }> {
  const question = words.at(-1) ?? ''
  const known = question === '' ? null : await stat(resolve(folder, question)).catch(() => null)
  if (known?.isFile())
    throw new ParleyError('request_invalid', terminalWording.questionMissing(basename(question), question))
  return { files: words.slice(0, -1), question }
}
