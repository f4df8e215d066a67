/** The thread list, the button for a new thread, and the theme switch. On a phone it is a drawer. */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import type { Thread } from '../../api.ts'
import { formatAge } from '../lib/format.ts'
import { threadHref } from '../lib/session.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { Icon, Mark } from './icon.tsx'
import { MemberMenu } from './member-menu.tsx'
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
  onProblem(cause: unknown): void
}

export function Sidebar(props: SidebarProps) {
  const { threads, currentId, drawer, open, onClose } = props
  const [leaving, setLeaving] = useState<Thread | null>(null)
  const now = useMinutes()
  /** The one thread of the list that Tab reaches; the arrow keys go on from it. */
  const [reached, setReached] = useState<string | null>(null)
  const ids = threads?.map(({ id }) => id) ?? []
  const stop = [reached, currentId].find((id) => id !== null && ids.includes(id)) ?? ids[0]
  const onKeyDown = (event: KeyboardEvent<HTMLUListElement>) => {
    const at = ids.indexOf(stop ?? '')
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: ids.length - 1 }[event.key]
    if (to === undefined || to < 0 || to >= ids.length) return
    event.preventDefault()
    event.currentTarget.querySelectorAll<HTMLElement>('a')[to]?.focus()
  }
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
        <ul className="thread-list" onKeyDown={onKeyDown}>
          {threads?.map((thread) => (
            <li
              key={thread.id}
              className={thread.id === currentId ? 'current' : ''}
              onFocus={() => setReached(thread.id)}
            >
              <a
                tabIndex={thread.id === stop ? 0 : -1}
                href={threadHref(thread.id)}
                aria-current={thread.id === currentId ? 'page' : undefined}
                onClick={onClose}
                title={thread.title}
              >
                <span className="thread-title" dir="auto">
                  {thread.title || pageWording.threads.untitled}
                </span>
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
                tabIndex={thread.id === stop ? 0 : -1}
                aria-label={pageWording.threads.deleteNamed(thread.title)}
                title={pageWording.threads.delete}
                onClick={() => setLeaving(thread)}
              >
                <Icon name="trash" />
              </button>
            </li>
          ))}
        </ul>
        <MemberMenu onProblem={props.onProblem} />
        <div className="sidebar-foot">
          <ThemeSwitch />
          {props.version === null ? null : <span className="version">{props.version}</span>}
        </div>
      </nav>
      {leaving === null ? null : (
        <ConfirmDialog
          title={pageWording.threads.deleteQuestion}
          text={pageWording.threads.deleteWhat(leaving.title || pageWording.threads.untitled)}
          cancel={pageWording.threads.deleteCancel}
          confirm={pageWording.threads.deleteConfirm}
          onCancel={() => setLeaving(null)}
          onConfirm={() => {
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
