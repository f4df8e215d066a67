/** The page: the thread list, the open thread, the banners above its input, and next to it an opened source. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { Citation } from '../../../src/core/reply.ts'
import { addressOf } from '../../../src/core/source.ts'
import { pageWording } from '../../../src/wording/page.ts'
import type { Message } from '../api.ts'
import { runningTurn } from './lib/conversation.ts'
import { readDraftText, trayOf } from './lib/drafts.ts'
import type { Session } from './lib/session.ts'
import { PHONE, useMedia, useStore } from './lib/store.ts'
import { useAnnouncements } from './lib/use-announcements.ts'
import { useFilesIn } from './lib/use-files-in.ts'
import { Composer } from './parts/composer.tsx'
import { Icon } from './parts/icon.tsx'
import { MessageList, Welcome } from './parts/message-list.tsx'
import { Sidebar } from './parts/sidebar.tsx'
import { SourcePanel } from './parts/source-panel.tsx'

interface OpenSource {
  citation: Citation
  pages: number | null
  /** The element that gets the focus back. */
  opener: Element | null
}

export function App({ session }: { session: Session }) {
  const { status, threads, conversation, link, error } = useStore(session.state, (state) => state)
  const outbox = useStore(session.outbox.state, (all) => all)
  const { threadId, messages } = conversation
  const outgoing = useMemo(() => {
    const known = new Set(messages.map((message) => message.id))
    return outbox.filter((one) => one.threadId === threadId && !known.has(one.body.id))
  }, [outbox, messages, threadId])
  const phone = useMedia(PHONE)
  const [drawer, setDrawer] = useState(false)
  const [source, setSource] = useState<OpenSource | null>(null)
  const [draft, setDraft] = useState({ threadId, text: readDraftText(threadId) })
  const input = useRef<HTMLTextAreaElement>(null)
  const menu = useRef<HTMLButtonElement>(null)
  const announcement = useAnnouncements(conversation)
  const tray = trayOf(threadId)
  const running = runningTurn(conversation) !== null
  const dragging = useFilesIn((files) => {
    tray.add(files, status?.limits ?? null)
    input.current?.focus()
  })

  if (draft.threadId !== threadId) {
    setDraft({ threadId, text: readDraftText(threadId) })
    setSource(null)
  }

  const title =
    conversation.thread?.title ?? threads?.find((one) => one.id === threadId)?.title ?? pageWording.threads.start
  useEffect(() => {
    document.title = conversation.thread === null ? pageWording.app.name : pageWording.app.title(title)
  }, [title, conversation.thread])

  // biome-ignore lint/correctness/useExhaustiveDependencies: opening a thread focuses the input
  useEffect(() => {
    if (!matchMedia('(pointer: coarse)').matches) input.current?.focus()
  }, [threadId])

  const closeDrawer = useCallback(() => setDrawer(false), [])
  const openSource = useCallback((citation: Citation, message: Message) => {
    const { contentHash } = citation.source
    const address = addressOf(citation)
    // A source that is not stored here opens at its own address.
    if (contentHash === undefined) {
      if (address !== undefined) window.open(address, '_blank', 'noopener,noreferrer')
      return
    }
    const file = message.receipt?.attachments.find((one) => one.contentHash === contentHash)
    setSource((open) => ({
      citation,
      pages: file?.pages ?? null,
      opener: document.activeElement ?? open?.opener ?? null,
    }))
  }, [])
  const closeSource = useCallback(() => {
    const opener = source?.opener
    setSource(null)
    // On a phone, the rest of the page is inert until the next frame.
    requestAnimationFrame(() => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    })
  }, [source])
  const newThread = useCallback(() => {
    session.newThread()
    setDrawer(false)
    requestAnimationFrame(() => input.current?.focus())
  }, [session])

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector('dialog[open]') !== null) return
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        newThread()
      } else if (event.key === 'Escape' && !event.isComposing) {
        if (source !== null) closeSource()
        else if (drawer) {
          setDrawer(false)
          menu.current?.focus()
        } else if (running) session.stop()
      }
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [session, source, closeSource, drawer, running, newThread])

  const empty = conversation.loaded && messages.length === 0 && outgoing.length === 0
  const lastReply = messages.findLast((message) => message.role === 'parley') ?? null
  const lastSent = messages.findLast((message) => message.role === 'user')?.text ?? null

  return (
    <div className={source === null ? 'app' : 'app with-panel'}>
      <button type="button" className="skip-link" onClick={() => input.current?.focus()}>
        {pageWording.app.skipToInput}
      </button>
      {lastReply === null ? null : (
        <button type="button" className="skip-link" onClick={focusLatestReply}>
          {pageWording.app.skipToReply}
        </button>
      )}
      <Sidebar
        threads={threads}
        currentId={threadId}
        version={status?.version ?? null}
        drawer={phone}
        open={drawer}
        onClose={closeDrawer}
        onNew={newThread}
        onDelete={session.deleteThread}
        onProblem={session.failed}
      />
      <main className="main" inert={phone && (drawer || source !== null)}>
        <header className="topbar">
          {phone ? (
            <button
              ref={menu}
              type="button"
              className="icon-button"
              aria-label={pageWording.threads.list}
              aria-expanded={drawer}
              aria-controls="threads"
              onClick={() => setDrawer(true)}
            >
              <Icon name="menu" />
            </button>
          ) : null}
          <h1 title={title} dir="auto">
            {title}
          </h1>
          {link === 'lost' ? (
            <p className="link-lost" role="status">
              {pageWording.app.reconnecting}
            </p>
          ) : null}
          {phone ? (
            <button type="button" className="icon-button" aria-label={pageWording.threads.start} onClick={newThread}>
              <Icon name="plus" />
            </button>
          ) : null}
        </header>
        {empty && !session.isNew(threadId) ? (
          <Gone onNew={newThread} />
        ) : empty ? (
          <Welcome
            models={status?.models ?? null}
            onPick={(prompt) => {
              setDraft({ threadId, text: prompt })
              input.current?.focus()
            }}
          />
        ) : (
          <MessageList
            key={threadId}
            conversation={conversation}
            outgoing={outgoing}
            hasModel={status === null ? null : status.models.length > 0}
            onOpenSource={openSource}
            onAct={session.act}
            onPress={session.press}
            onRetry={session.outbox.retryNow}
            onDiscard={(messageId) => session.outbox.drop([messageId])}
          />
        )}
        <div className="column composer-column">
          {error === null ? null : <ErrorBanner userMessage={error} onDismiss={session.dismissError} />}
          {status?.notice ? <NoticeBanner notice={status.notice} /> : null}
          <Composer
            key={threadId}
            threadId={threadId}
            text={draft.threadId === threadId ? draft.text : ''}
            onText={(text) => setDraft({ threadId, text })}
            input={input}
            tray={tray}
            status={status}
            running={running}
            lastSent={lastSent}
            onSend={session.send}
            onStop={session.stop}
          />
        </div>
      </main>
      {source === null ? null : (
        <SourcePanel citation={source.citation} pages={source.pages} modal={phone} onClose={closeSource} />
      )}
      {dragging ? (
        <div className="drop-overlay">
          <div>
            <Icon name="attach" />
            <strong>{pageWording.app.drop}</strong>
            <span>{pageWording.app.dropWhat}</span>
          </div>
        </div>
      ) : null}
      <div className="visually-hidden" role="status" aria-live="polite">
        {announcement}
      </div>
    </div>
  )
}

function focusLatestReply(): void {
  const reply = [...document.querySelectorAll<HTMLElement>('.reply')].at(-1)
  reply?.focus()
  reply?.scrollIntoView({ block: 'start' })
}

/** The address names a thread that does not exist. */
function Gone({ onNew }: { onNew(): void }) {
  return (
    <div className="welcome">
      <h2>{pageWording.threads.gone}</h2>
      <p>{pageWording.threads.goneWhat}</p>
      <p>
        <button type="button" className="button primary" onClick={onNew}>
          {pageWording.threads.start}
        </button>
      </p>
    </div>
  )
}

const SEEN_NOTICE = 'parley.notice-seen'

/** The server's notice above the input. Once dismissed, it stays hidden until its text changes. */
function NoticeBanner({ notice }: { notice: string }) {
  const [seen, setSeen] = useState(() => {
    try {
      return localStorage.getItem(SEEN_NOTICE)
    } catch {
      return null
    }
  })
  if (seen === notice) return null
  return (
    <aside className="banner" aria-label={pageWording.banner.label}>
      <Icon name="info" />
      <p>{notice}</p>
      <button
        type="button"
        className="icon-button"
        aria-label={pageWording.banner.dismissNotice}
        onClick={() => {
          setSeen(notice)
          try {
            localStorage.setItem(SEEN_NOTICE, notice)
          } catch {
            // Dismissed for this page only.
          }
        }}
      >
        <Icon name="close" />
      </button>
    </aside>
  )
}

function ErrorBanner({ userMessage, onDismiss }: { userMessage: string; onDismiss(): void }) {
  return (
    <div className="banner error" role="alert">
      <Icon name="warn" />
      <p>{userMessage}</p>
      <button type="button" className="icon-button" aria-label={pageWording.banner.dismiss} onClick={onDismiss}>
        <Icon name="close" />
      </button>
    </div>
  )
}
