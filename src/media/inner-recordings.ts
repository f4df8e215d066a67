/** Recordings inside another file, such as voice notes in an email: kept until the file is read, then transcribed one after another. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Artifact, Position } from '../core/artifact.ts'
import { ParleyError } from '../core/errors.ts'
import type { InnerRecording } from './provider.ts'
import type { ReadRequest } from './reader.ts'
import { mostImages } from './sink.ts'

export interface InnerRecordings extends AsyncDisposable {
  store(recording: InnerRecording): Promise<void>
  stored: readonly ReadRequest[]
}

export function createInnerRecordings(): InnerRecordings {
  const stored: ReadRequest[] = []
  let folder: Promise<string> | undefined
  return {
    stored,
    async store({ name, mediaType, data }) {
      folder ??= mkdtemp(join(tmpdir(), 'parley-recordings-'))
      const path = join(await folder, `${stored.length}`)
      await writeFile(path, data)
      stored.push({ path, contentHash: '', name, mediaType })
    },
    async [Symbol.asyncDispose]() {
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true })
    },
  }
}

/** The artifact with what was said in the recordings. One that cannot be read becomes a problem. */
export async function addRecordings(
  artifact: Artifact,
  recordings: readonly ReadRequest[],
  read: (recording: ReadRequest) => Promise<Artifact>,
): Promise<Artifact> {
  const segments = [...artifact.segments]
  const images = [...(artifact.images ?? [])]
  const problems = [...artifact.problems]
  for (const request of recordings) {
    const { name } = request
    const placed = (at: Position): Position => ({ ...at, inner: name })
    const about = (sentence: string) => (sentence.startsWith(name) ? sentence : `${name}: ${sentence}`)
    try {
      const heard = await read(request)
      for (const { text, at, tokens } of heard.segments)
        segments.push({ text: `[${name}]\n${text}`, at: placed(at), tokens })
      for (const image of heard.images ?? [])
        if (images.length < mostImages) images.push({ ...image, at: image.at && placed(image.at) })
      for (const { code, userMessage } of heard.problems) problems.push({ code, userMessage: about(userMessage) })
      if (heard.truncated !== undefined) problems.push({ code: 'inner_truncated', userMessage: about(heard.truncated) })
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error
      problems.push({ code: error.code, userMessage: about(error.userMessage) })
    }
  }
  return {
    ...artifact,
    segments,
    images: images.length === 0 ? artifact.images : images,
    tokens: segments.reduce((sum, { tokens }) => sum + tokens, 0),
    problems,
  }
}
