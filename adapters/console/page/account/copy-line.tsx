/** A line to copy: a link, a key or a code. */
import { useId } from 'react'
import { accountWording as words } from '../../../../src/wording/account.ts'
import { CopyButton } from '../parts/copy-button.tsx'

export function CopyLine({ label, text }: { label: string; text: string }) {
  const id = useId()
  return (
    <div className="field copy-line">
      <label htmlFor={id}>{label}</label>
      <div>
        <input
          id={id}
          readOnly
          value={text}
          spellCheck={false}
          dir="ltr"
          onFocus={(event) => event.currentTarget.select()}
        />
        <CopyButton label={`${words.copy}: ${label}`} text={() => text} />
      </div>
    </div>
  )
}
