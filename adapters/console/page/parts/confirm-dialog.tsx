/** A question before something that cannot be undone, in a native modal dialog: it traps the focus, closes on Esc and restores the focus. */
import { type ReactNode, type RefObject, useEffect, useId, useRef } from 'react'

export interface ConfirmDialogProps {
  title: string
  text: string
  cancel: string
  confirm: string
  disabled?: boolean
  children?: ReactNode
  onCancel(): void
  onConfirm(): void
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  const heading = useId()
  const dialog = useModal()
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
      <h2 id={heading}>{props.title}</h2>
      <p>{props.text}</p>
      {props.children}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={props.onCancel}>
          {props.cancel}
        </button>
        <button type="button" className="button danger" disabled={props.disabled} onClick={props.onConfirm}>
          {props.confirm}
        </button>
      </div>
    </dialog>
  )
}

/** Opens a dialog as modal while it is mounted. */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const element = dialog.current
    const opener = document.activeElement
    element?.showModal()
    return () => {
      element?.close()
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return dialog
}
