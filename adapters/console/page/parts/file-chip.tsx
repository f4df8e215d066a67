/** A file in the composer's tray or on a sent message. */
import { pageWording } from '../../../../src/wording/page.ts'
import type { FileChip } from '../../api.ts'
import type { TrayFile } from '../lib/drafts.ts'
import { formatBytes } from '../lib/format.ts'
import { Icon } from './icon.tsx'

export function SentFile({ file }: { file: FileChip }) {
  return (
    <li className="file-chip">
      <FileBadge name={file.name} preview={null} />
      <span className="file-name" dir="auto" title={file.name}>
        {file.name}
      </span>
      <span className="file-note">{formatBytes(file.bytes)}</span>
    </li>
  )
}

export function ChosenFile(props: { file: TrayFile; onRemove(): void; onRetry(): void }) {
  const { file } = props
  const percent = Math.round(file.progress * 100)
  const note =
    file.state === 'uploading'
      ? pageWording.file.uploading(formatBytes(file.bytes), percent)
      : file.state === 'failed'
        ? (file.userMessage ?? pageWording.problem.uploadFailed)
        : formatBytes(file.bytes)
  return (
    <li className={`file-chip ${file.state}`}>
      <FileBadge name={file.name} preview={file.preview} />
      <span className="file-name" dir="auto" title={file.name}>
        {file.name}
      </span>
      <span className="file-note">{note}</span>
      {file.state === 'failed' && file.retryable ? (
        <button
          type="button"
          className="chip-action"
          aria-label={pageWording.file.uploadAgain(file.name)}
          onClick={props.onRetry}
        >
          <Icon name="again" />
        </button>
      ) : null}
      <button
        type="button"
        className="chip-action"
        aria-label={
          file.state === 'uploading' ? pageWording.file.cancelUpload(file.name) : pageWording.file.remove(file.name)
        }
        onClick={props.onRemove}
      >
        <Icon name="close" />
      </button>
      {file.state === 'uploading' ? (
        <progress aria-label={pageWording.file.progress(file.name)} max={100} value={percent}>
          {percent}%
        </progress>
      ) : null}
    </li>
  )
}

function FileBadge({ name, preview }: { name: string; preview: string | null }) {
  if (preview !== null) return <img className="file-badge" src={preview} alt="" />
  const ending = /\.([a-z0-9]{1,4})$/i.exec(name)?.[1]
  return (
    <span className="file-badge" aria-hidden="true">
      {ending === undefined ? <Icon name="file" /> : ending.toLowerCase()}
    </span>
  )
}
