/** `parley route --dry-run`: reads the files here, has the running Parley say how it would route, and asks no model. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Config } from '../config.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import { describeDecision, RouteDecision } from '../core/route-decision.ts'
import { createReader } from '../media/create-reader.ts'
import type { DryRun } from '../routing/dry-run.ts'

export interface RouteOptions {
  question: string
  files: string[]
  /** Where the files' paths start. */
  folder: string
  model?: string
  channel?: string
  json: boolean
  reading: Config['reading']
  /** Asks the Parley of this home. */
  explain(request: DryRun): Promise<unknown>
  print(text: string): void
  /** What could not be counted. */
  note(text: string): void
}

export async function explainQuestion(options: RouteOptions): Promise<void> {
  const { question, model, channel, json, print } = options
  const files = await countFiles(options)
  const request = {
    question,
    files,
    ...(model === undefined ? {} : { model }),
    ...(channel === undefined ? {} : { channel }),
  }
  const decision = RouteDecision.parse(await options.explain(request))
  print(json ? JSON.stringify(decision, null, 2) : describeDecision(decision).replaceAll('**', ''))
}

/** In a reader of its own, whose pictures go nowhere. What cannot be read counts as nothing, and is told. */
async function countFiles({ files, folder, reading, note }: RouteOptions): Promise<DryRun['files']> {
  if (files.length === 0) return []
  const reader = createReader({ limits: reading, concurrency: 1 })
  try {
    const counted: DryRun['files'] = []
    for (const file of files) {
      const path = resolve(folder, file)
      const name = basename(path)
      if (!(await stat(path).catch(() => null))?.isFile())
        throw new ParleyError('file_missing', `There is no file ${path}. Check the path.`)
      const request = { path, name, mediaType: 'application/octet-stream', contentHash: await hashOf(path) }
      try {
        const { tokens, pages, images } = await reader.read(request, {
          signal: new AbortController().signal,
          onProgress() {},
          pictures: { put: hashOfBytes },
        })
        counted.push({ name, tokens, pages, images: images?.length ?? 0 })
      } catch (thrown) {
        note(`${name} is not counted: ${asParleyError(thrown).userMessage}`)
        counted.push({ name, tokens: 0 })
      }
    }
    return counted
  } finally {
    await reader.close()
  }
}

/** Pictures are counted and not kept. */
async function hashOfBytes(bytes: Uint8Array): Promise<string> {
  return createHash('sha256').update(bytes).digest('hex')
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path)) hash.update(piece)
  return hash.digest('hex')
}
