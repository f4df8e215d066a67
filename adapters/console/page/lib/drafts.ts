/** What was typed and attached but not sent, per thread, kept across a reload of the tab. */

import { pageWording } from '../../../../src/wording/page.ts'
import type { ConsoleStatus, FileChip } from '../../api.ts'
import { formatBytes } from './format.ts'
import { type RunningUpload, randomId, ServerFailure, startUpload } from './server.ts'
import { createStore, type Store } from './store.ts'

interface StoredDraft {
  text: string
  files: FileChip[]
}

const key = (threadId: string) => `parley.draft.${threadId}`
const trays = new Map<string, Tray>()

export function readDraftText(threadId: string): string {
  return read(threadId).text
}

export function writeDraftText(threadId: string, text: string): void {
  write(threadId, { ...read(threadId), text })
}

/** One tray per thread and page, so that an upload goes on while another thread is looked at. */
export function trayOf(threadId: string): Tray {
  const held = trays.get(threadId)
  if (held !== undefined) return held
  const tray = createTray(read(threadId).files)
  tray.files.subscribe(() => {
    const files = tray.files
      .get()
      .filter((file) => file.state === 'done')
      .map(({ id, name, mediaType, bytes }) => ({ id, name, mediaType, bytes }))
    write(threadId, { ...read(threadId), files })
  })
  trays.set(threadId, tray)
  return tray
}

function read(threadId: string): StoredDraft {
  try {
    const stored = JSON.parse(sessionStorage.getItem(key(threadId)) ?? 'null') as StoredDraft | null
    return stored ?? { text: '', files: [] }
  } catch {
    return { text: '', files: [] }
  }
}

function write(threadId: string, draft: StoredDraft): void {
  try {
    if (draft.text === '' && draft.files.length === 0) sessionStorage.removeItem(key(threadId))
    else sessionStorage.setItem(key(threadId), JSON.stringify(draft))
  } catch {
    // No storage: the draft lives as long as the page.
  }
}

export interface TrayFile extends FileChip {
  state: 'uploading' | 'done' | 'failed'
  /** Fraction sent. */
  progress: number
  userMessage: string | null
  retryable: boolean
  /** An object URL of a picture chosen in this page. */
  preview: string | null
}

/** The files chosen for the next message of a thread: checked, uploading, uploaded or failed. */
export interface Tray {
  files: Store<TrayFile[]>
  add(files: Iterable<File>, limits: ConsoleStatus['limits'] | null): void
  /** Stops the upload when it runs. */
  remove(id: string): void
  retry(id: string): void
  clear(): void
}

function createTray(restored: FileChip[]): Tray {
  const files = createStore<TrayFile[]>(
    restored.map((chip) => ({
      ...chip,
      state: 'done',
      progress: 1,
      userMessage: null,
      retryable: false,
      preview: null,
    })),
  )
  const chosen = new Map<string, File>()
  const running = new Map<string, RunningUpload>()

  const change = (id: string, patch: Partial<TrayFile>) =>
    files.set((all) => all.map((file) => (file.id === id ? { ...file, ...patch } : file)))

  function upload(id: string, file: File): void {
    const one = startUpload(id, file, (progress) => change(id, { progress }))
    running.set(id, one)
    one.done
      .then(
        (stored) => change(id, { state: 'done', progress: 1, name: stored.name, mediaType: stored.mediaType }),
        (cause: unknown) => {
          const failure =
            cause instanceof ServerFailure ? cause : new ServerFailure(0, pageWording.problem.uploadFailed)
          change(id, { state: 'failed', userMessage: failure.userMessage, retryable: failure.status !== 413 })
        },
      )
      .finally(() => running.delete(id))
  }

  return {
    files,
    add(incoming, limits) {
      for (const file of incoming) {
        const id = randomId()
        const userMessage = refusal(file, files.get().filter((one) => one.state !== 'failed').length, limits)
        const preview = userMessage === null && file.type.startsWith('image/') ? URL.createObjectURL(file) : null
        const entry: TrayFile = {
          id,
          name: file.name,
          mediaType: file.type,
          bytes: file.size,
          state: userMessage === null ? 'uploading' : 'failed',
          progress: 0,
          userMessage,
          retryable: false,
          preview,
        }
        files.set((all) => [...all, entry])
        if (userMessage !== null) continue
        chosen.set(id, file)
        upload(id, file)
      }
    },
    remove(id) {
      running.get(id)?.cancel()
      forget(id)
      files.set((all) => all.filter((file) => file.id !== id))
    },
    retry(id) {
      const file = chosen.get(id)
      if (file === undefined) return
      change(id, { state: 'uploading', progress: 0, userMessage: null })
      upload(id, file)
    },
    clear() {
      for (const file of files.get()) forget(file.id)
      files.set(() => [])
    },
  }

  function forget(id: string): void {
    const preview = files.get().find((file) => file.id === id)?.preview
    if (preview) URL.revokeObjectURL(preview)
    running.delete(id)
    chosen.delete(id)
  }
}

function refusal(file: File, held: number, limits: ConsoleStatus['limits'] | null): string | null {
  if (limits === null) return null
  if (file.size > limits.fileBytes)
    return pageWording.file.tooLarge(formatBytes(file.size), formatBytes(limits.fileBytes))
  if (held >= limits.files) return pageWording.file.tooMany(limits.files)
  return null
}
