/** What can be done with a finished reply: a row of buttons, and below it the one thing that a press has opened. */
import { type KeyboardEvent, useId, useRef, useState } from 'react'
import type { TurnAction } from '../../../../src/core/action.ts'
import type { Message } from '../../api.ts'
import type { Pressed } from '../lib/server.ts'
import { usePress } from '../lib/use-press.ts'
import { ActionButton } from './action-button.tsx'
import { CommentForm } from './comment-form.tsx'
import { CopyButton } from './copy-button.tsx'
import { ReceiptCard, ReceiptLine } from './receipt.tsx'
import { WhyPanel } from './why-panel.tsx'

/** Presses a button below a reply; rejects with what `tellOfFailure` words. */
export type Act = (kind: TurnAction, turnId: string, comment?: string) => Promise<Pressed>

const regenerateActions = [
  { kind: 'regenerate', icon: 'again', label: 'Regenerate', title: 'Write this reply anew' },
  { kind: 'cheaper', icon: 'cheaper', label: 'Cheaper', title: 'Write this reply anew with a cheaper model' },
  { kind: 'better', icon: 'better', label: 'Better', title: 'Write this reply anew with a better model' },
] as const

const opinions = [
  { kind: 'good', label: 'Good reply' },
  { kind: 'bad', label: 'Bad reply' },
] as const

const nothing = { text: '', shown: false }

export interface ReplyActionsProps {
  message: Message
  /** What is copied; `null`: there is nothing. */
  text: (() => string) | null
  /** It can be written anew. */
  repeatable: boolean
  onAct: Act
}

export function ReplyActions({ message, text, repeatable, onAct }: ReplyActionsProps) {
  const { turnId, receipt, feedback, state } = message
  const [open, setOpen] = useState<'why' | 'comment' | 'receipt' | null>(null)
  const [why, setWhy] = useState<string | null>(null)
  /** Heard by everybody; that an opinion is kept is seen by its button. */
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
    // The row goes as soon as the new reply begins: the focus must not go with it.
    if (row.current?.contains(document.activeElement)) focusMessages(row.current)
  }
  const showWhy = async () => {
    if (open === 'why') return setOpen(null)
    setWhy(null)
    setOpen('why')
    const pressed = await act('why')
    if (pressed === null) setOpen((now) => (now === 'why' ? null : now))
    else setWhy(pressed.notice?.text ?? 'There is nothing to tell about this reply.')
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
        {text === null ? null : <CopyButton what="reply" text={text} />}
        {repeatable && turnId !== null
          ? regenerateActions
              .filter(({ kind }) => kind !== 'regenerate' || state !== 'failed')
              .map(({ kind, ...look }) => (
                <ActionButton key={kind} {...look} kind={kind} busy={busy} onPress={() => void regenerate(kind)} />
              ))
          : null}
        {turnId === null ? null : (
          <>
            <ActionButton
              kind="why"
              icon="why"
              label="Why"
              title="Why this model, and what it cost"
              busy={busy}
              opens={{ panel: 'why', id: panelId, open: open === 'why' }}
              onPress={() => void showWhy()}
            />
            {opinions.map(({ kind, label }) => (
              <ActionButton
                key={kind}
                kind={kind}
                icon={kind}
                label={label}
                title={label}
                busy={busy}
                pressed={(pending === 'good' || pending === 'bad' ? pending : feedback) === kind}
                {...(kind === 'bad' ? { opens: { panel: 'comment', id: panelId, open: open === 'comment' } } : {})}
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

/** The way on from a reply that failed. */
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
        Try again
      </button>
      {error === null ? null : <p className="action-error">{error}</p>}
    </>
  )
}

function focusMessages(from: HTMLElement): void {
  from.closest<HTMLElement>('.messages')?.focus({ preventScroll: true })
}
