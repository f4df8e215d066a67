/** The pictures, files and buttons of a notice. */

import { useState } from 'react'
import { approvalActions, decodeAction } from '../../../../src/core/command.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { Message } from '../../api.ts'
import { uploadUrl } from '../lib/server.ts'
import { usePress } from '../lib/use-press.ts'

export interface NoticePartsProps {
  message: Message
  onPress(action: string): Promise<void>
}

export function NoticeParts({ message, onPress }: NoticePartsProps) {
  const { attachments, buttons } = message
  if (attachments.length === 0 && buttons.length === 0) return null
  return (
    <div className="notice-parts">
      {attachments.map(({ id, name, mediaType, alt }) =>
        mediaType === 'image/png' ? (
          <img key={id} className="notice-picture" src={uploadUrl(id)} alt={alt ?? name} />
        ) : (
          <a key={id} className="button small" href={uploadUrl(id)} download={name}>
            {pageWording.file.save(name)}
          </a>
        ),
      )}
      {buttons.length === 0 ? null : <NoticeButtons buttons={buttons} onPress={onPress} />}
    </div>
  )
}

/** Each button works once, and one decision settles a request. */
function NoticeButtons({ buttons, onPress }: { buttons: Message['buttons']; onPress: NoticePartsProps['onPress'] }) {
  const [done, setDone] = useState<readonly string[]>([])
  const { pending, error, press } = usePress<string>()
  const over = (action: string) => done.includes(action) || (isDecision(action) && done.some(isDecision))
  return (
    <div className="notice-buttons">
      {buttons.map(({ label, action, style }) => (
        <button
          key={action}
          type="button"
          className={style === undefined ? 'button small' : `button small ${style}`}
          aria-disabled={pending !== null || over(action)}
          onClick={async () => {
            if (over(action)) return
            const worked = await press(action, () => onPress(action).then(() => true))
            if (worked !== null) setDone((before) => [...before, action])
          }}
        >
          {label}
        </button>
      ))}
      {error === null ? null : (
        <p className="action-error" role="alert">
          {error}
        </p>
      )}
    </div>
  )
}

function isDecision(encoded: string): boolean {
  const kind = decodeAction(encoded)?.kind
  return approvalActions.some((each) => each === kind)
}
