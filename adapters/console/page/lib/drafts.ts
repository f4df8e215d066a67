/** What was typed and attached but not sent, per thread, kept across a reload of the tab. */
import type { FileChip } from '../../api.ts'
import { createTray, type Tray } from './tray.ts'

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
