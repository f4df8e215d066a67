/** Whether the web is searched for the next question: a list of the browser's own, with what the place forbids in it. */
import { useId } from 'react'
import { WebMode } from '../../../../src/core/message.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { ConsoleStatus } from '../../api.ts'
import { webChoices } from '../lib/web-choice.ts'
import { Icon } from './icon.tsx'

export interface WebChoiceProps {
  web: NonNullable<ConsoleStatus['web']>
  mode: WebMode
  onChoose(mode: WebMode): void
}

const { web: wording } = pageWording

export function WebChoice({ web, mode, onChoose }: WebChoiceProps) {
  const about = useId()
  const open: readonly WebMode[] = webChoices[web]
  return (
    <label className="web-choice" data-mode={mode} title={wording.about[web]}>
      <Icon name="web" />
      {/* All of them in one place, so that nothing moves when another is chosen. */}
      <span className="web-modes" aria-hidden="true">
        {WebMode.options.map((each) => (
          <span key={each}>{wording.mode[each]}</span>
        ))}
      </span>
      <select
        aria-label={wording.label}
        aria-describedby={about}
        value={mode}
        onChange={(event) => onChoose(WebMode.parse(event.target.value))}
      >
        <optgroup label={wording.about[web]}>
          {WebMode.options.map((each) => (
            <option key={each} value={each} disabled={!open.includes(each)}>
              {wording.mode[each]}
            </option>
          ))}
        </optgroup>
      </select>
      <span id={about} className="visually-hidden">
        {wording.about[web]}
      </span>
    </label>
  )
}
