import { useEffect, useId, useRef } from 'react'

/** The browser's own modal dialog: it keeps the focus, closes on Esc and gives the focus back. */
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
      <h2 id={heading}>Delete this thread?</h2>
      <p>
        “{props.title || 'Untitled'}” and its replies will be gone. A reply that is being written is stopped. This
        cannot be undone.
      </p>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={props.onCancel}>
          Keep it
        </button>
        <button type="button" className="button danger" onClick={props.onDelete}>
          Delete thread
        </button>
      </div>
    </dialog>
  )
}
