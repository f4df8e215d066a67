/** The buttons under a finished answer, and below them the panel that a button has opened. */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import type { TurnAction } from '../../../../src/core/command.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { Message } from '../../api.ts'
import type { Pressed } from '../lib/server.ts'
import { ActionButton, usePress } from './action-button.tsx'
import { CopyButton } from './copy-button.tsx'
import { Icon } from './icon.tsx'
import { ReplyContext, ReplyMarkdown } from './markdown.tsx'
import { ReceiptCard, ReceiptLine } from './receipt.tsx'

/** Presses a button under an answer; rejects with a cause for `failureMessage`. */
export type Act = (kind: TurnAction, turnId: string, comment?: string) => Promise<Pressed>

const regenerateActions = [
  { kind: 'regenerate', icon: 'again', ...pageWording.answer.regenerate },
  { kind: 'cheaper', icon: 'cheaper', ...pageWording.answer.cheaper },
  { kind: 'better', icon: 'better', ...pageWording.answer.better },
] as const

const ratings = [
  { kind: 'good', label: pageWording.answer.good },
  { kind: 'bad', label: pageWording.answer.bad },
] as const

const nothing = { text: '', shown: false }

export interface ReplyActionsProps {
  message: Message
  /** The text to copy; `null`: there is none. */
  text: (() => string) | null
  /** Whether it can be regenerated. */
  repeatable: boolean
  /** Without any model there is nothing to choose and nothing to rate. */
  hasModel: boolean
  onAct: Act
}

export function ReplyActions({ message, text, repeatable, hasModel, onAct }: ReplyActionsProps) {
  const { turnId, receipt, feedback, state } = message
  const [open, setOpen] = useState<'why' | 'comment' | 'receipt' | null>(null)
  const [why, setWhy] = useState<string | null>(null)
  /** Read by screen readers; shown only after a comment, because the button itself shows a saved rating. */
  const [thanks, setThanks] = useState(nothing)
  const [begun, setBegun] = useState<TurnAction | null>(null)
  const { pending, error, press } = usePress<TurnAction>()
  const panelId = useId()
  const row = useRef<HTMLDivElement>(null)
  const busy = pending ?? begun

  const act = (kind: TurnAction, comment?: string) => {
    if (turnId === null || begun !== null) return Promise.resolve(null)
    setThanks(nothing)
    return press(kind, () => onAct(kind, turnId, comment))
  }
  const regenerate = async (kind: TurnAction) => {
    if ((await act(kind)) === null) return
    setBegun(kind)
    // The row disappears when the new answer begins; keep the focus in the thread.
    if (row.current?.contains(document.activeElement)) focusMessages(row.current)
  }
  const showWhy = async () => {
    if (open === 'why') return setOpen(null)
    setWhy(null)
    setOpen('why')
    const pressed = await act('why')
    if (pressed === null) setOpen((now) => (now === 'why' ? null : now))
    else setWhy(pressed.notice?.text ?? pageWording.answer.whyMissing)
  }
  const rate = async (kind: 'good' | 'bad') => {
    const next = kind === 'bad' && open !== 'comment' ? 'comment' : null
    if (feedback !== kind) {
      const pressed = await act(kind)
      if (pressed === null) return
      setThanks({ text: pressed.notice?.text ?? '', shown: false })
    }
    setOpen(next)
  }
  const close = () => {
    const opener = row.current?.querySelector<HTMLElement>(`[data-opens="${open}"]`)
    setOpen(null)
    opener?.focus()
  }
  const comment = async (words: string) => {
    if (words === '') return close()
    const pressed = await act('bad', words)
    if (pressed === null) return
    close()
    setThanks({ text: pressed.notice?.text ?? '', shown: true })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.nativeEvent.isComposing || open === null) return
    event.preventDefault()
    close()
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Esc closes what a button in it has opened
    <div ref={row} onKeyDown={onKeyDown}>
      <div className="reply-actions">
        {text === null ? null : <CopyButton label={pageWording.answer.copyAnswer} text={text} />}
        {repeatable && turnId !== null && state !== 'failed'
          ? regenerateActions
              .filter(({ kind }) => kind === 'regenerate' || hasModel)
              .map(({ kind, ...look }) => (
                <ActionButton key={kind} {...look} kind={kind} busy={busy} onPress={() => void regenerate(kind)} />
              ))
          : null}
        {turnId === null ? null : (
          <>
            <ActionButton
              kind="why"
              icon="why"
              label={pageWording.answer.why.label}
              title={pageWording.answer.why.title}
              busy={busy}
              opens={{ panel: 'why', id: panelId, open: open === 'why' }}
              onPress={() => void showWhy()}
            />
            {(state === 'failed' || !hasModel ? [] : ratings).map(({ kind, label }) => (
              <ActionButton
                key={kind}
                kind={kind}
                icon={kind}
                label={label}
                title={label}
                busy={busy}
                pressed={(pending === 'good' || pending === 'bad' ? pending : feedback) === kind}
                opens={kind === 'bad' ? { panel: 'comment', id: panelId, open: open === 'comment' } : undefined}
                onPress={() => void rate(kind)}
              />
            ))}
          </>
        )}
        {receipt === null ? null : (
          <ReceiptLine
            receipt={receipt}
            panelId={panelId}
            open={open === 'receipt'}
            onToggle={() => setOpen(open === 'receipt' ? null : 'receipt')}
          />
        )}
      </div>
      {error === null ? null : (
        <p className="action-error" role="alert">
          {error}
        </p>
      )}
      <p className={thanks.shown ? 'aside action-thanks' : 'visually-hidden'} role="status">
        {thanks.text}
      </p>
      {open === 'why' ? <WhyPanel id={panelId} text={why} /> : null}
      {open === 'comment' ? (
        <CommentForm id={panelId} sending={pending === 'bad'} onSend={(words) => void comment(words)} onClose={close} />
      ) : null}
      {open === 'receipt' && receipt !== null ? <ReceiptCard id={panelId} receipt={receipt} /> : null}
    </div>
  )
}

/** The button on a failed answer. */
export function TryAgain({ turnId, onAct }: { turnId: string; onAct: Act }) {
  const { pending, error, press } = usePress<TurnAction>()
  const [begun, setBegun] = useState(false)
  const again = async (button: HTMLElement) => {
    if (begun || (await press('regenerate', () => onAct('regenerate', turnId))) === null) return
    setBegun(true)
    if (document.activeElement === button) focusMessages(button)
  }
  return (
    <>
      <button
        type="button"
        className="button"
        aria-disabled={pending !== null || begun}
        onClick={(event) => void again(event.currentTarget)}
      >
        {pageWording.message.tryAgain}
      </button>
      {error === null ? null : <p className="action-error">{error}</p>}
    </>
  )
}

function focusMessages(from: HTMLElement): void {
  from.closest<HTMLElement>('.messages')?.focus({ preventScroll: true })
}

/** A `[1]` in this text is not a citation. */
const uncited = { citations: [], streaming: false, levels: [], openSource: () => undefined }

/** `text`: `null` while it loads. */
function WhyPanel({ id, text }: { id: string; text: string | null }) {
  return (
    <section id={id} className="why-panel" aria-label={pageWording.answer.whyPanel} aria-busy={text === null}>
      {text === null ? (
        <p className="faint">{pageWording.answer.whyLoading}</p>
      ) : (
        <ReplyContext value={uncited}>
          <ReplyMarkdown text={text} open={false} />
        </ReplyContext>
      )}
    </section>
  )
}

interface CommentFormProps {
  id: string
  sending: boolean
  onSend(words: string): void
  onClose(): void
}

function CommentForm({ id, sending, onSend, onClose }: CommentFormProps) {
  const input = useRef<HTMLInputElement>(null)
  const inputId = useId()
  useEffect(() => input.current?.focus(), [])
  return (
    <form
      id={id}
      className="comment"
      onSubmit={(event) => {
        event.preventDefault()
        if (!sending) onSend(input.current?.value.trim() ?? '')
      }}
    >
      <label htmlFor={inputId}>{pageWording.answer.comment}</label>
      <input
        ref={input}
        id={inputId}
        type="text"
        maxLength={2000}
        autoComplete="off"
        placeholder={pageWording.answer.commentOptional}
      />
      <button type="submit" className="button small" aria-disabled={sending}>
        {pageWording.answer.commentSend}
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={pageWording.answer.commentClose}
        title={pageWording.answer.commentCloseTitle}
        onClick={onClose}
      >
        <Icon name="close" />
      </button>
    </form>
  )
}
