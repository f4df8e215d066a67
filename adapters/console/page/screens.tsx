/** Which screen is shown to whom. The chat is in the first load; all others are loaded when they are opened. */
import { Component, lazy, type ReactNode, Suspense, useEffect } from 'react'
import { pageWording } from '../../../src/wording/page.ts'
import { pagePaths, safeReturn } from '../paths.ts'
import { App } from './app.tsx'
import { account } from './lib/account.ts'
import { isThread, navigate, route } from './lib/route.ts'
import { createSession, type Session } from './lib/session.ts'
import { useStore } from './lib/store.ts'
import { Mark } from './parts/icon.tsx'

const Entrance = lazy(() => import('./account/entrance.tsx').then(({ Entrance }) => ({ default: Entrance })))
const SignInDialog = lazy(() =>
  import('./account/entrance.tsx').then(({ SignInDialog }) => ({ default: SignInDialog })),
)
const Settings = lazy(() => import('./account/settings.tsx').then(({ Settings }) => ({ default: Settings })))

/** One for the page: an answer goes on while another screen is open. */
let chat: Session | undefined
const theChat = () => {
  chat ??= createSession()
  return chat
}

export function Screens() {
  const { state, ended, problem } = useStore(account, (now) => now)
  const now = useStore(route, (now) => now)
  const signedIn = state?.person != null
  const arrived = signedIn && now.screen === 'signIn'
  useEffect(() => {
    if (!arrived) return
    const asked = new URLSearchParams(location.search)
    const problem = asked.get('problem')
    if (problem === null) navigate(safeReturn(asked.get('returnTo')), 'replace')
    else navigate(`${pagePaths.connections}?problem=${encodeURIComponent(problem)}`, 'replace')
  }, [arrived])

  if (state === null) return problem === null ? null : <Notice text={problem} />
  if (arrived) return null
  const entrance =
    now.screen === 'invite' || (state.local ? !isThread(now) : !state.setUp || !signedIn || now.screen === 'setUp')
  return (
    <Boundary>
      <Suspense>
        {entrance ? (
          <Entrance state={state} route={now} />
        ) : isThread(now) ? (
          <App session={theChat()} />
        ) : (
          <Settings route={now} />
        )}
        {ended ? <SignInDialog state={state} /> : null}
      </Suspense>
    </Boundary>
  )
}

function Notice({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <main className="welcome">
      <Mark />
      <p role="alert">{text}</p>
      {children}
    </main>
  )
}

/** A screen that cannot be loaded: the connection is gone, or a newer Parley serves other files. */
class Boundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }
  static getDerivedStateFromError() {
    return { failed: true }
  }
  override render() {
    if (!this.state.failed) return this.props.children
    return (
      <Notice text={pageWording.problem.notLoaded}>
        <p>
          <button type="button" className="button primary" onClick={() => location.reload()}>
            {pageWording.problem.reload}
          </button>
        </p>
      </Notice>
    )
  }
}
