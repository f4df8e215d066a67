/** Starts the console page. Runs before the first paint, so that the remembered theme does not flash. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { createSession } from './lib/session.ts'
import { applyTheme, rememberedTheme } from './parts/theme.tsx'

applyTheme(rememberedTheme())
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')
createRoot(root).render(
  <StrictMode>
    <App session={createSession()} />
  </StrictMode>,
)
