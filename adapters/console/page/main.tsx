/** Starts the console page. Runs before the first paint, so that the remembered theme does not flash. */
import './lib/without-eval.ts'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { refreshAccount } from './lib/account.ts'
import { applyTheme, rememberedTheme } from './parts/theme.tsx'
import { Screens } from './screens.tsx'

applyTheme(rememberedTheme())
void refreshAccount()
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')
createRoot(root).render(
  <StrictMode>
    <Screens />
  </StrictMode>,
)
