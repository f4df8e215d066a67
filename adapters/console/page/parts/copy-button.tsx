import { useEffect, useState } from 'react'
import { copyText } from '../lib/clipboard.ts'
import { Icon } from './icon.tsx'

/** Says "Copied" for two seconds, in its label too. */
export function CopyButton({ what, text }: { what: string; text: () => string }) {
  const [state, setState] = useState<'ready' | 'copied' | 'failed'>('ready')
  useEffect(() => {
    if (state === 'ready') return
    const timer = setTimeout(() => setState('ready'), 2_000)
    return () => clearTimeout(timer)
  }, [state])
  const label = { ready: `Copy ${what}`, copied: 'Copied', failed: 'Could not copy' }[state]
  return (
    <button
      type="button"
      className="quiet copy"
      aria-label={label}
      title={label}
      onClick={() => void copyText(text()).then((copied) => setState(copied ? 'copied' : 'failed'))}
    >
      <Icon name={state === 'copied' ? 'check' : 'copy'} />
      <span className="label">{state === 'ready' ? 'Copy' : label}</span>
    </button>
  )
}
