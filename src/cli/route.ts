/** `parley route --dry-run`: reads the files here and asks Parley how it would route the question. Calls no model. */

import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Config } from '../config.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import { describeDecision, RouteDecision } from '../core/route-decision.ts'
import { createReader } from '../media/create-reader.ts'
import type { DryRun } from '../routing/dry-run.ts'
import { terminalWording } from '../wording/terminal.ts'
import { readLocally } from './read-locally.ts'

export interface RouteOptions {
  question: string
  files: string[]
  /** Relative paths start here. */
  folder: string
  model?: string | undefined
  channel?: string | undefined
  json: boolean
  reading: Config['reading']
  /** Asks the Parley of this home. */
  explain(request: DryRun): Promise<unknown>
  print(text: string): void
  /** Reports a file that could not be counted. */
  note(text: string): void
}

export async function explainQuestion(options: RouteOptions): Promise<void> {
  const { question, model, channel, json, print } = options
  const files = await countFiles(options)
  const decision = RouteDecision.parse(await options.explain({ question, files, model, channel }))
  print(json ? JSON.stringify(decision, null, 2) : describeDecision(decision).replaceAll('**', ''))
}

/** Counts the files with a separate reader that keeps no pictures. An unreadable file counts as empty and is reported. */
async function countFiles({ files, folder, reading, note }: RouteOptions): Promise<DryRun['files']> {
  if (files.length === 0) return []
  const reader = createReader({ limits: reading, concurrency: 1 })
  try {
    const counted: DryRun['files'] = []
    for (const file of files) {
      const path = resolve(folder, file)
      const name = basename(path)
      if (!(await stat(path).catch(() => null))?.isFile())
        throw new ParleyError('file_missing', terminalWording.fileMissing(path))
      try {
        const { tokens, pages, images } = await readLocally(reader, path)
        counted.push({ name, tokens, pages, images: images?.length ?? 0 })
      } catch (thrown) {
        note(terminalWording.notCounted(name, asParleyError(thrown).userMessage))
        counted.push({ name, tokens: 0 })
      }
    }
    return counted
  } finally {
    await reader.close()
  }
}
