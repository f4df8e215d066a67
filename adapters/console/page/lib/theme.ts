/** Light, dark, or as the system has it. Remembered in this browser. */
export type Theme = 'system' | 'light' | 'dark'

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
