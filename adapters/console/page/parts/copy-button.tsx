/** The button that copies an answer or a block of code. */
import { useEffect, useState } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import { Icon } from './icon.tsx'

/** Shows “Copied” for two seconds. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [state, setState] = useState<'ready' | 'copied' | 'failed'>('ready')
  useEffect(() => {
    if (state === 'ready') return
    const timer = setTimeout(() => setState('ready'), 2_000)
    return () => clearTimeout(timer)
  }, [state])
  const name = { ready: label, copied: pageWording.answer.copied, failed: pageWording.answer.copyFailed }[state]
  return (
    <button
      type="button"
      className="quiet copy"
      aria-label={name}
      title={name}
      onClick={() => void copyText(text()).then((copied) => setState(copied ? 'copied' : 'failed'))}
    >
      <Icon name={state === 'copied' ? 'check' : 'copy'} />
      <span className="label">{state === 'ready' ? pageWording.answer.copy : name}</span>
    </button>
  )
}

/** Copies text. Without a secure origin there is no clipboard API, and the old command still works. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    area.setAttribute('readonly', '')
    area.className = 'visually-hidden'
    document.body.append(area)
    const focused = document.activeElement
    area.select()
    const copied = document.execCommand('copy')
    area.remove()
    if (focused instanceof HTMLElement) focused.focus()
    return copied
  }
}
