/** One button under an answer. While it works, it stays in place and keeps the focus. */
import type { TurnAction } from '../../../../src/core/command.ts'
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
