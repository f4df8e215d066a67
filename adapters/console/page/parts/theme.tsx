/** The theme of the page, remembered in this browser, and the switch that changes it. */
import { useState } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import { Icon, type IconName } from './icon.tsx'

/** Light, dark, or as the system has it. Remembered in this browser. */
type Theme = 'system' | 'light' | 'dark'

const KEY = 'parley.theme'

export function rememberedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY)
    return stored === 'light' || stored === 'dark' ? stored : 'system'
  } catch {
    return 'system'
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // Private windows may forbid storage; the choice holds for this page.
  }
}

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
