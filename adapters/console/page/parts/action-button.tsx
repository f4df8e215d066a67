/** Buttons that call the server: their look under an answer, and the state of a group of them. */

import { useState } from 'react'
import type { TurnAction } from '../../../../src/core/command.ts'
import { failureMessage } from '../lib/server.ts'
import { Icon, type IconName } from './icon.tsx'

export interface ActionButtonProps {
  kind: TurnAction
  icon: IconName
  label: string
  title: string
  /** The action in progress, of any button in the row. */
  busy: TurnAction | null
  pressed?: boolean | undefined
  /** The panel that it opens below the row. */
  opens?: { panel: string; id: string; open: boolean } | undefined
  onPress(): void
}

/** One button under an answer. While it works, it stays in place and keeps the focus. */
export function ActionButton({ kind, icon, label, title, busy, pressed, opens, onPress }: ActionButtonProps) {
  return (
    <button
      type="button"
      className={`quiet ${kind}`}
      title={title}
      aria-disabled={busy !== null}
      aria-busy={busy === kind}
      aria-pressed={pressed}
      data-opens={opens?.panel}
      aria-expanded={opens?.open}
      aria-controls={opens?.open ? opens.id : undefined}
      onClick={() => {
        if (busy === null) onPress()
      }}
    >
      <Icon name={icon} />
      <span className="label">{label}</span>
    </button>
  )
}

export interface Press<K> {
  pending: K | null
  /** One sentence; cleared by the next press. */
  error: string | null
  /** The result of `call`, or `null` if it failed or another press is still working. */
  press<T>(key: K, call: () => Promise<T>): Promise<T | null>
}

/** The state of a group of buttons: which one is working, and the error to show next to it. */
export function usePress<K>(): Press<K> {
  const [pending, setPending] = useState<K | null>(null)
  const [error, setError] = useState<string | null>(null)
  return {
    pending,
    error,
    async press(key, call) {
      if (pending !== null) return null
      setPending(key)
      setError(null)
      try {
        return await call()
      } catch (cause) {
        setError(failureMessage(cause))
        return null
      } finally {
        setPending(null)
      }
    },
  }
}
