import { useEffect, useId, useRef } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'

/** A native modal dialog: it traps the focus, closes on Esc and restores the focus. */
export function DeleteDialog(props: { title: string; onCancel(): void; onDelete(): void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const element = dialog.current
    const opener = document.activeElement
    element?.showModal()
    return () => {
      element?.close()
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault()
        props.onCancel()
      }}
    >
      <h2 id={heading}>{pageWording.threads.deleteQuestion}</h2>
      <p>{pageWording.threads.deleteWhat(props.title || pageWording.threads.untitled)}</p>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={props.onCancel}>
          {pageWording.threads.deleteCancel}
        </button>
        <button type="button" className="button danger" onClick={props.onDelete}>
          {pageWording.threads.deleteConfirm}
        </button>
      </div>
    </dialog>
  )
}
