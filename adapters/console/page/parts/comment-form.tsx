/** "What was wrong?", in one line and only for whoever wants to say it: the opinion itself is kept already. */
import { useEffect, useId, useRef } from 'react'
import { Icon } from './icon.tsx'

export interface CommentFormProps {
  id: string
  sending: boolean
  onSend(words: string): void
  onClose(): void
}

export function CommentForm({ id, sending, onSend, onClose }: CommentFormProps) {
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
      <label htmlFor={inputId}>What was wrong?</label>
      <input ref={input} id={inputId} type="text" maxLength={2000} autoComplete="off" placeholder="Optional" />
      <button type="submit" className="button small" aria-disabled={sending}>
        Send
      </button>
      <button type="button" className="icon-button" aria-label="Say nothing more" title="Close (Esc)" onClick={onClose}>
        <Icon name="close" />
      </button>
    </form>
  )
}
