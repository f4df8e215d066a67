/** Answers by quotation over files as the readers give them: each question gets words that answer it, or a truthful "nothing". */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sourceLabel } from '../../src/core/source.ts'
import { formats } from '../../src/media/formats.ts'
import { inspectFile } from '../../src/media/inspect-file.ts'
import type { Provider } from '../../src/media/provider.ts'
import { createSink } from '../../src/media/sink.ts'
import type { Part } from '../../src/models/model.ts'
import { quoteWording } from '../../src/wording/models.ts'
import { askedFiles } from '../fixtures/asked-files.ts'
import type { AskedFile } from '../fixtures/asked-texts.ts'
import { createSharedFiles, type SharedFiles } from '../fixtures/shared-files.ts'
import { answerByQuoting } from './quoting.ts'

let shared: SharedFiles
beforeAll(() => {
  shared = createSharedFiles()
})
afterAll(() => shared.remove())

/** Read in this process: the files are ours. */
async function passagesOf({ name, bytes }: AskedFile): Promise<Part[]> {
  const file = shared.share(name, bytes)
  const { reader, sniffed, limits } = await inspectFile(file, { formats, overrides: {} })
  const passages: Part[] = []
  const sink = createSink(limits.characters, async (message) => {
    if (message.kind !== 'batch') return
    for (const { text, at } of message.segments)
      passages.push({ type: 'passage', source: sourceLabel(1, at), title: name, at, text })
  })
  const { provider }: { provider: Provider } = await import(reader.module.href)
  await provider.read({ bytes, name, mediaType: sniffed.mediaType }, limits, sink)
  await sink.flush()
  return passages
}

describe.for(await askedFiles())('$name', (file) => {
  const { name, asked, unanswerable = [] } = file
  let passages: Part[]
  beforeAll(async () => {
    passages = await passagesOf(file)
  })

  it.for(asked)('%s: %s', async ([question, words]) => {
    const text = await answerByQuoting(passages, question)
    expect(text).not.toBe(quoteWording.nothingFound([name]))
    expect(text.replaceAll(/\n> ?/g, ' ').replaceAll(/\s+/g, ' ')).toContain(words)
  })

  it.for(unanswerable)('says that nothing matches: %s', async (question) => {
    expect(await answerByQuoting(passages, question)).toBe(quoteWording.nothingFound([name]))
  })
})
