import { useState } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import { applyTheme, rememberedTheme, type Theme } from '../lib/theme.ts'
import { Icon, type IconName } from './icon.tsx'

const themes: { theme: Theme; icon: IconName; label: string }[] = [
  { theme: 'system', icon: 'system', label: pageWording.theme.system },
  { theme: 'light', icon: 'sun', label: pageWording.theme.light },
  { theme: 'dark', icon: 'moon', label: pageWording.theme.dark },
]

export function ThemeSwitch() {
  const [chosen, setChosen] = useState(rememberedTheme)
  return (
    <fieldset className="theme-switch">
      <legend className="visually-hidden">{pageWording.theme.label}</legend>
      {themes.map(({ theme, icon, label }) => (
        <label key={theme} title={label}>
          <input
            type="radio"
            name="theme"
            className="visually-hidden"
            checked={chosen === theme}
            aria-label={label}
            onChange={() => {
              applyTheme(theme)
              setChosen(theme)
            }}
          />
          <Icon name={icon} />
        </label>
      ))}
    </fieldset>
  )
}
