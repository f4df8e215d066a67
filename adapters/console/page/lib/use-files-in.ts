/** Files dropped or pasted anywhere on the page. Returns whether files are being dragged over it. */

import { useEffect, useRef, useState } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'

export function useFilesIn(onFiles: (files: File[]) => void): boolean {
  const [dragging, setDragging] = useState(false)
  const take = useRef(onFiles)
  take.current = onFiles

  useEffect(() => {
    let depth = 0
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const listeners = {
      dragenter(event: DragEvent) {
        if (!carriesFiles(event)) return
        event.preventDefault()
        depth++
        setDragging(true)
      },
      dragover(event: DragEvent) {
        if (carriesFiles(event)) event.preventDefault()
      },
      dragleave(event: DragEvent) {
        if (!carriesFiles(event)) return
        depth = Math.max(0, depth - 1)
        if (depth === 0) setDragging(false)
      },
      drop(event: DragEvent) {
        if (!carriesFiles(event)) return
        event.preventDefault()
        depth = 0
        setDragging(false)
        take.current(droppedFiles(event.dataTransfer))
      },
      paste(event: ClipboardEvent) {
        const data = event.clipboardData
        if (event.defaultPrevented || data === null || data.files.length === 0) return
        // Office programs put a picture of the copied cells beside their text: the text is meant.
        if (data.types.includes('text/html') && data.getData('text/plain').trim() !== '') return
        event.preventDefault()
        take.current([...data.files].map(named))
      },
    }
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener as EventListener)
    return () => {
      for (const [name, listener] of Object.entries(listeners))
        document.removeEventListener(name, listener as EventListener)
    }
  }, [])
  return dragging
}

/** Folders look like files here but cannot be read. */
function droppedFiles(data: DataTransfer | null): File[] {
  return [...(data?.items ?? [])]
    .filter((item) => item.kind === 'file' && item.webkitGetAsEntry?.()?.isDirectory !== true)
    .map((item) => item.getAsFile())
    .filter((file) => file !== null)
}

/** Every pasted picture is called `image.png`; the time tells two of them apart. */
function named(file: File): File {
  if (file.name !== 'image.png') return file
  const time = new Date().toLocaleTimeString('en-GB').replaceAll(':', '.')
  return new File([file], pageWording.composer.pastedPicture(time), { type: file.type })
}
