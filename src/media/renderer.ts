/** Draws pages in a process that keeps its document open for a short while, so that turning pages is quick. */
import { createReadStream } from 'node:fs'
import { createSemaphore } from '../core/semaphore.ts'
import { crashed, failed } from './gather.ts'
import { guard } from './guard.ts'
import { type InspectedFile, openTask } from './inspect-file.ts'
import type { Processes } from './processes.ts'
import type { PageImage, PageRenderer } from './reader.ts'
import type { ReaderProcess } from './reader-process.ts'
import { ReaderMessage, type Task } from './wire.ts'

export interface RendererDeps {
  processes: Processes
  look(path: string): Promise<InspectedFile>
  /** How long a document stays open after its last page was drawn. */
  idleMs: number
}

/** Documents open at once; the one that was used least recently makes way. */
const openDocuments = 2
/** Processes at once: the open documents, and one that is ending while the next one starts. */
const processesAtOnce = openDocuments + 1
const widest = 2_000

interface Open {
  process: ReaderProcess
  inspected: InspectedFile
  /** Settles when all earlier calls have: a process draws one page at a time. */
  last: Promise<unknown>
  drawing: number
  retire?: NodeJS.Timeout
}

export function createRenderer({ processes, look, idleMs }: RendererDeps): PageRenderer & { close(): void } {
  /** By path, in order of use. Blobs never change, so a path names its content. */
  const documents = new Map<string, Promise<Open>>()

  const semaphore = createSemaphore(processesAtOnce)

  /** A caller that waits has closed another document, which ends after its last page, so the wait is bounded. */
  async function startBounded(reader: InspectedFile['reader']): Promise<ReaderProcess> {
    const leave = await semaphore.enter()
    try {
      const process = processes.start(reader)
      void process.exited.then(leave)
      return process
    } catch (error) {
      leave()
      throw error
    }
  }

  async function openDocument(path: string): Promise<Open> {
    const inspected = await look(path)
    const process = await startBounded(inspected.reader)
    const document: Open = { process, inspected, last: Promise.resolve(), drawing: 0 }
    void process.exited.then(() => forget(path, document))
    process.send(openTask('pages', inspected))
    process.feed(createReadStream(path, { end: inspected.bytes - 1 })).catch(() => {})
    await answer(document, 'opened')
    return document
  }

  async function answer<Kind extends ReaderMessage['kind']>(
    { process, inspected }: Open,
    kind: Kind,
    task?: Task,
  ): Promise<Extract<ReaderMessage, { kind: Kind }>> {
    const { name, limits } = inspected
    const guarded = guard(process, { name, limits })
    const message = new Promise<Extract<ReaderMessage, { kind: Kind }>>((resolve, reject) => {
      process.onMessage((raw) => {
        const parsed = ReaderMessage.safeParse(raw)
        if (!parsed.success) reject(crashed(name, parsed.error))
        else if (parsed.data.kind === 'fail') reject(failed(parsed.data, name))
        else if (isKind(parsed.data, kind)) resolve(parsed.data)
      })
      if (task !== undefined) process.send(task)
    })
    message.catch(() => {})
    try {
      return await Promise.race([message, guarded.broken])
    } catch (error) {
      // After a missing page the document is still usable; after any other error a fresh process is safer.
      if (kind === 'opened') void process.kill()
      throw error
    } finally {
      guarded.release()
    }
  }

  function documentOf(path: string): Promise<Open> {
    const opening = documents.get(path) ?? openDocument(path)
    documents.delete(path)
    documents.set(path, opening)
    opening.catch(() => {
      if (documents.get(path) === opening) documents.delete(path)
    })
    const [oldest] = documents
    if (documents.size > openDocuments && oldest !== undefined) {
      documents.delete(oldest[0])
      oldest[1].then(({ process, last }) => last.finally(() => process.kill())).catch(() => {})
    }
    return opening
  }

  async function forget(path: string, document: Open): Promise<void> {
    clearTimeout(document.retire)
    const current = await documents.get(path)?.catch(() => undefined)
    if (current === document) documents.delete(path)
  }

  async function draw(path: string, page: number, options: { width: number; quote?: string }): Promise<PageImage> {
    const document = await documentOf(path)
    clearTimeout(document.retire)
    document.drawing += 1
    const width = Math.max(16, Math.min(widest, Math.round(options.width)))
    const task: Task = { kind: 'render', page, width, quote: options.quote }
    const drawn = document.last.then(() => answer(document, 'page', task))
    document.last = drawn.catch(() => {})
    try {
      const { png, width: w, height, marks } = await drawn
      return { png, width: w, height, marks }
    } finally {
      document.drawing -= 1
      if (document.drawing === 0) document.retire = setTimeout(() => void document.process.kill(), idleMs).unref()
    }
  }

  return {
    /** Abort releases the caller at once. The current page is still drawn, so that turning pages stays quick. */
    async render(path, page, { signal, ...options }) {
      signal.throwIfAborted()
      const { promise: aborted, reject } = Promise.withResolvers<never>()
      const onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      const drawn = draw(path, page, options)
      drawn.catch(() => {})
      try {
        return await Promise.race([drawn, aborted])
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    close() {
      for (const opening of documents.values()) opening.then(({ retire }) => clearTimeout(retire)).catch(() => {})
      documents.clear()
    },
  }
}

function isKind<Kind extends ReaderMessage['kind']>(
  message: ReaderMessage,
  kind: Kind,
): message is Extract<ReaderMessage, { kind: Kind }> {
  return message.kind === kind
}
