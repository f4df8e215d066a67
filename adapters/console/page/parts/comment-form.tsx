/** An optional comment on a bad answer. The rating itself is already saved. */

import { useEffect, useId, useRef } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
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
