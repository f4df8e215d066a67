/** The message box: text, attached or pasted files, send and stop. Dropped files arrive through the tray. */

import {
  type ClipboardEvent,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import type { WebMode } from '../../../../src/core/message.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { ConsoleStatus, FileChip } from '../../api.ts'
import { type Tray, writeDraftText } from '../lib/drafts.ts'
import { formatCount } from '../lib/format.ts'
import { useMedia, useStore } from '../lib/store.ts'
import { readWebChoice, webModeIn, writeWebChoice } from '../lib/web-choice.ts'
import { CommandList, optionId, useCommandList } from './command-list.tsx'
import { ChosenFile } from './file-chip.tsx'
import { Icon } from './icon.tsx'
import { WebChoice } from './web-choice.tsx'

export interface ComposerProps {
  threadId: string
  text: string
  onText(text: string): void
  input: RefObject<HTMLTextAreaElement | null>
  tray: Tray
  status: ConsoleStatus | null
  running: boolean
  /** ↑ in the empty input restores this. */
  lastSent: string | null
  /** `web`: where something else than the place's own rule was chosen. */
  onSend(text: string, files: FileChip[], web?: WebMode): void
  onStop(): void
}

export function Composer(props: ComposerProps) {
  const { text, onText, input, tray, running, threadId } = props
  const files = useStore(tray.files, (all) => all)
  const [holding, setHolding] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const touch = useMedia('(hover: none)')
  const limits = props.status?.limits ?? null
  const web = props.status?.web ?? null
  const [chosenWeb, setChosenWeb] = useState(() => readWebChoice(threadId))
  const webMode = web === null ? 'auto' : webModeIn(web, chosenWeb)
  const list = useCommandList(text, onText)
  const uploading = files.filter((file) => file.state === 'uploading').length
  const refused = files.filter((file) => file.state === 'failed')
  const failed = refused.length > 0
  const reasons = [...new Set(refused.map((file) => file.userMessage ?? pageWording.problem.uploadFailed))]
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

  // Send was pressed during an upload: the message goes out when the last upload finishes.
  useEffect(() => {
    if (!holding || uploading > 0) return
    setHolding(false)
    if (sendable) deliver()
  })

  function deliver(): void {
    props.onSend(
      text.trim(),
      files.map(({ id, name, mediaType, bytes }) => ({ id, name, mediaType, bytes })),
      webMode === 'auto' || web === 'off' ? undefined : webMode,
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
    // Enter that confirms an input method's suggestion does not send.
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
      tray.add([new File([pasted], pageWording.composer.pastedText, { type: 'text/plain' })], limits)
    }
  }

  const hint = holding
    ? pageWording.composer.waitingForUploads(uploading)
    : failed
      ? pageWording.composer.uploadFailed
      : excess > 0
        ? pageWording.composer.tooLong(formatCount(excess))
        : list.shown.length > 0
          ? pageWording.composer.commandsFound(list.shown.length)
          : null

  // A text box that has opened a list says so; without one it stays a text box.
  const combobox =
    list.shown.length === 0
      ? undefined
      : ({
          role: 'combobox',
          'aria-expanded': true,
          'aria-haspopup': 'listbox',
          'aria-controls': 'commands',
          'aria-autocomplete': 'list',
        } as const)

  return (
    <form
      className="composer"
      aria-label={pageWording.composer.form}
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      {files.length === 0 ? null : (
        <ul className="tray" aria-label={pageWording.composer.filesToSend}>
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
      <p className="visually-hidden" role="alert">
        {failed ? pageWording.composer.refused(refused.length, files.length, reasons.join(' ')) : ''}
      </p>
      <CommandList list={list} />
      <textarea
        ref={input}
        id="composer"
        dir="auto"
        rows={1}
        value={text}
        readOnly={holding}
        placeholder={touch ? pageWording.composer.placeholderOnTouch : pageWording.composer.placeholder}
        aria-label={pageWording.composer.input}
        aria-describedby="composer-hint"
        {...combobox}
        aria-activedescendant={list.marked < 0 ? undefined : optionId(list.marked)}
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
          aria-label={pageWording.composer.files}
          onChange={(event) => {
            tray.add(event.target.files ?? [], limits)
            event.target.value = ''
            input.current?.focus()
          }}
        />
        <button
          type="button"
          className="icon-button"
          aria-label={pageWording.composer.attach}
          title={pageWording.composer.attach}
          disabled={holding}
          onClick={() => picker.current?.click()}
        >
          <Icon name="attach" />
        </button>
        {web === null ? null : (
          <WebChoice
            web={web}
            mode={webMode}
            onChoose={(mode) => {
              setChosenWeb(mode)
              writeWebChoice(threadId, mode)
            }}
          />
        )}
        <p id="composer-hint" className={failed || excess > 0 ? 'hint wrong' : 'hint'} role="status">
          {hint ?? <span className="keys">{pageWording.composer.keys}</span>}
        </p>
        {holding ? (
          <button type="button" className="button small" onClick={() => setHolding(false)}>
            {pageWording.composer.keepEditing}
          </button>
        ) : null}
        {running ? (
          <button
            type="button"
            className="round stop"
            aria-label={pageWording.composer.stop}
            title={pageWording.composer.stopTitle}
            onClick={props.onStop}
          >
            <span className="stop-square" />
          </button>
        ) : null}
        {running && !filled ? null : (
          <button
            type="submit"
            className="round send"
            aria-label={pageWording.composer.send}
            title={pageWording.composer.send}
            disabled={!sendable || holding}
          >
            <Icon name="send" />
          </button>
        )}
      </div>
    </form>
  )
}
