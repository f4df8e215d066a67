/** What a command's answer has beside its text: pictures, files to save, buttons. */
import { useState } from 'react'
import type { Message } from '../../api.ts'
import { uploadUrl } from '../lib/server.ts'

export function NoticeParts({ message, onPress }: { message: Message; onPress(action: string): void }) {
  // A button that was pressed has done its work.
  const [pressed, setPressed] = useState<readonly string[]>([])
  const { attachments, buttons } = message
  if (attachments.length === 0 && buttons.length === 0) return null
  return (
    <div className="notice-parts">
      {attachments.map(({ id, name, mediaType, alt }) =>
        mediaType === 'image/png' ? (
          <img key={id} className="notice-picture" src={uploadUrl(id)} alt={alt ?? name} />
        ) : (
          <a key={id} className="button small" href={uploadUrl(id)} download={name}>
            Save {name}
          </a>
        ),
      )}
      {buttons.length === 0 ? null : (
        <div className="notice-buttons">
          {buttons.map(({ label, action, style }) => (
            <button
              key={action}
              type="button"
              className={style === undefined ? 'button small' : `button small ${style}`}
              disabled={pressed.includes(action)}
              onClick={() => {
                setPressed([...pressed, action])
                onPress(action)
              }}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}
