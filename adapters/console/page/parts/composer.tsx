/** Where a message is written: text, files by button or paste, send and stop. Dropped files come in through the tray. */
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import type { ConsoleStatus, FileChip } from '../../api.ts'
import { writeDraftText } from '../lib/drafts.ts'
import { formatCount } from '../lib/format.ts'
import { useStore } from '../lib/store.ts'
import type { Tray } from '../lib/tray.ts'
import { useCommandList } from '../lib/use-command-list.ts'
import { useMedia } from '../lib/use-media.ts'
import { CommandList, optionId } from './command-list.tsx'
import { ChosenFile } from './file-chip.tsx'
import { Icon } from './icon.tsx'

export interface ComposerProps {
  threadId: string
  text: string
  onText(text: string): void
  input: RefObject<HTMLTextAreaElement | null>
  tray: Tray
  status: ConsoleStatus | null
  running: boolean
  /** What ↑ in the empty input brings back. */
  lastSent: string | null
  onSend(text: string, files: FileChip[]): void
  onStop(): void
}

export function Composer(props: ComposerProps) {
  const { text, onText, input, tray, running, threadId } = props
  const files = useStore(tray.files, (all) => all)
  const [holding, setHolding] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const touch = useMedia('(hover: none)')
  const limits = props.status?.limits ?? null
  const list = useCommandList(text, onText)
  const uploading = files.filter((file) => file.state === 'uploading').length
  const failed = files.some((file) => file.state === 'failed')
  const excess = limits === null ? 0 : text.length - limits.textChars
  const filled = text.trim() !== '' || files.length > 0
  const sendable = filled && !failed && excess <= 0

  useLayoutEffect(() => {
    const area = input.current
    if (area === null || area.value !== text) return
    area.style.height = 'auto'
    area.style.height = `${area.scrollHeight}px`
  }, [text, input])

  useEffect(() => writeDraftText(threadId, text), [threadId, text])

  // "Send" while files are on their way: the message leaves by itself when the last one has arrived.
  useEffect(() => {
    if (!holding || uploading > 0) return
    setHolding(false)
    if (sendable) deliver()
  })

  function deliver(): void {
    props.onSend(
      text.trim(),
      files.map(({ id, name, mediaType, bytes }) => ({ id, name, mediaType, bytes })),
    )
    tray.clear()
    onText('')
    input.current?.focus()
  }

  function submit(): void {
    if (!sendable || holding) return
    if (uploading > 0) setHolding(true)
    else deliver()
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>): void {
    // An Enter that picks a word of an input method is not a send.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    if (list.onKey(event)) return
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      submit()
    } else if (event.key === 'ArrowUp' && text === '' && props.lastSent) {
      event.preventDefault()
      onText(props.lastSent)
    }
  }

  function onPaste(event: ClipboardEvent<HTMLTextAreaElement>): void {
    const pasted = event.clipboardData.getData('text/plain')
    if (limits !== null && pasted.length > limits.textChars) {
      event.preventDefault()
      tray.add([new File([pasted], 'pasted text.txt', { type: 'text/plain' })], limits)
    }
  }

  const hint = holding
    ? `Sends when ${uploading === 1 ? 'the file is' : `${uploading} files are`} uploaded`
    : failed
      ? 'A file was not uploaded. Remove it or try again before you send.'
      : excess > 0
        ? `${formatCount(excess)} characters over the limit. Attach long text as a file.`
        : list.shown.length > 0
          ? `${list.shown.length === 1 ? 'One command fits' : `${list.shown.length} commands fit`}: arrow keys choose, Tab completes`
          : null

  return (
    <form
      className="composer"
      aria-label="Message"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      {files.length === 0 ? null : (
        <ul className="tray" aria-label="Files to send">
          {files.map((file) => (
            <ChosenFile
              key={file.id}
              file={file}
              onRemove={() => tray.remove(file.id)}
              onRetry={() => tray.retry(file.id)}
            />
          ))}
        </ul>
      )}
      <CommandList list={list} />
      <textarea
        ref={input}
        id="composer"
        rows={1}
        value={text}
        readOnly={holding}
        placeholder={touch ? 'Ask Parley' : 'Ask Parley, or drop a file'}
        aria-label="Message to Parley"
        aria-describedby="composer-hint"
        {...(list.shown.length === 0
          ? {}
          : {
              'aria-controls': 'commands',
              'aria-autocomplete': 'list' as const,
              'aria-activedescendant': list.marked < 0 ? undefined : optionId(list.marked),
            })}
        enterKeyHint="send"
        onChange={(event) => onText(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      <div className="composer-bar">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files"
          onChange={(event) => {
            tray.add(event.target.files ?? [], limits)
            event.target.value = ''
            input.current?.focus()
          }}
        />
        <button
          type="button"
          className="icon-button"
          aria-label="Attach files"
          title="Attach files"
          disabled={holding}
          onClick={() => picker.current?.click()}
        >
          <Icon name="attach" />
        </button>
        <p id="composer-hint" className={failed || excess > 0 ? 'hint wrong' : 'hint'} role="status">
          {hint ?? <span className="keys">Enter to send, Shift + Enter for a new line</span>}
        </p>
        {holding ? (
          <button type="button" className="button small" onClick={() => setHolding(false)}>
            Keep editing
          </button>
        ) : null}
        {running ? (
          <button type="button" className="round stop" aria-label="Stop" title="Stop (Esc)" onClick={props.onStop}>
            <span className="stop-square" />
          </button>
        ) : null}
        {running && !filled ? null : (
          <button type="submit" className="round send" aria-label="Send" title="Send" disabled={!sendable || holding}>
            <Icon name="send" />
          </button>
        )}
      </div>
    </form>
  )
}
