/** The thread list, the button for a new thread, and the theme switch. On a phone it is a drawer. */
import { useEffect, useId, useRef, useState } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import type { Thread } from '../../api.ts'
import { formatAge } from '../lib/format.ts'
import { threadHref } from '../lib/session.ts'
import { Icon, Mark } from './icon.tsx'
import { ThemeSwitch } from './theme.tsx'

export interface SidebarProps {
  threads: Thread[] | null
  currentId: string
  version: string | null
  drawer: boolean
  open: boolean
  onClose(): void
  onNew(): void
  onDelete(threadId: string): void
}

export function Sidebar(props: SidebarProps) {
  const { threads, currentId, drawer, open, onClose } = props
  const [leaving, setLeaving] = useState<Thread | null>(null)
  const now = useMinutes()
  const panel = useRef<HTMLElement>(null)

  useEffect(() => {
    if (drawer && open) panel.current?.querySelector<HTMLElement>('button, a')?.focus()
  }, [drawer, open])

  return (
    <>
      {drawer && open ? <div className="scrim" onClick={onClose} aria-hidden="true" /> : null}
      <nav
        ref={panel}
        id="threads"
        className={open ? 'sidebar open' : 'sidebar'}
        aria-label={pageWording.threads.list}
        inert={drawer && !open}
      >
        <div className="sidebar-top">
          <span className="wordmark">
            <Mark />
            {pageWording.app.name}
          </span>
          {drawer ? (
            <button type="button" className="icon-button" aria-label={pageWording.threads.close} onClick={onClose}>
              <Icon name="close" />
            </button>
          ) : null}
        </div>
        <button type="button" className="new-thread" aria-keyshortcuts="Control+K Meta+K" onClick={props.onNew}>
          <Icon name="plus" />
          <span>{pageWording.threads.start}</span>
          <span className="shortcut" aria-hidden="true">
            {shortcut}
          </span>
        </button>
        {threads?.length === 0 ? <p className="no-threads">{pageWording.threads.none}</p> : null}
        <ul className="thread-list">
          {threads?.map((thread) => (
            <li key={thread.id} className={thread.id === currentId ? 'current' : ''}>
              <a
                href={threadHref(thread.id)}
                aria-current={thread.id === currentId ? 'page' : undefined}
                onClick={onClose}
                title={thread.title}
              >
                <span className="thread-title">{thread.title || pageWording.threads.untitled}</span>
                {thread.busy ? (
                  <span
                    className="busy-dot"
                    role="img"
                    aria-label={pageWording.threads.answering}
                    title={pageWording.threads.answering}
                  />
                ) : (
                  <time dateTime={thread.updatedAt}>{formatAge(thread.updatedAt, now)}</time>
                )}
              </a>
              <button
                type="button"
                className="icon-button thread-delete"
                aria-label={pageWording.threads.deleteNamed(thread.title)}
                title={pageWording.threads.delete}
                onClick={() => setLeaving(thread)}
              >
                <Icon name="trash" />
              </button>
            </li>
          ))}
        </ul>
        <div className="sidebar-foot">
          <ThemeSwitch />
          {props.version === null ? null : <span className="version">{props.version}</span>}
        </div>
      </nav>
      {leaving === null ? null : (
        <DeleteDialog
          title={leaving.title}
          onCancel={() => setLeaving(null)}
          onDelete={() => {
            props.onDelete(leaving.id)
            setLeaving(null)
          }}
        />
      )}
    </>
  )
}

const shortcut = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'

/** The current time, updated every minute. */
function useMinutes(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000)
    return () => clearInterval(timer)
  }, [])
  return now
}

/** A native modal dialog: it traps the focus, closes on Esc and restores the focus. */
function DeleteDialog(props: { title: string; onCancel(): void; onDelete(): void }) {
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
