/**
 * Who uses this page: asked at start, again when the server refuses a call, and when the event stream begins. What one person
 * typed here is never sent by another.
 */

import type { SessionState } from '../../account-api.ts'
import { pagePaths } from '../../paths.ts'
import { failureMessage, onUnauthorized, ServerFailure, server } from './server.ts'
import { createStore } from './store.ts'

export interface Account {
  /** `null` until the server has answered. While a session has `ended`, the person that it was of. */
  state: SessionState | null
  /** The session ended while the page was open. */
  ended: boolean
  /** Why the server does not say who this is, where nothing is remembered. */
  problem: string | null
}

export const account = createStore<Account>({ state: null, ended: false, problem: null })

const REMEMBERED = 'parley.account'
const RETRY_MS = 2_000
/** Answers may overtake each other: only the newest question's counts. */
let asked = 0

export async function refreshAccount(): Promise<void> {
  const turn = ++asked
  try {
    const state = await server.session()
    if (turn === asked) takeAccount(state)
  } catch (cause) {
    if (turn !== asked || account.get().state !== null) return
    const remembered = read()
    const offline = cause instanceof ServerFailure && cause.status === 0
    // Without its server, an open thread can be read and written in all the same.
    if (offline && remembered !== null) account.set((now) => ({ ...now, state: remembered }))
    else account.set((now) => ({ ...now, problem: failureMessage(cause) }))
    setTimeout(() => void refreshAccount(), RETRY_MS)
  }
}

/** `same`: the person is who used the page before, now with an account. */
export function takeAccount(state: SessionState, same = false): void {
  asked++
  const { state: before, ended } = account.get()
  if (before !== null && before.person !== null && state.person === null) {
    account.set((now) => ({ ...now, state: { ...state, person: before.person }, ended: true }))
    return
  }
  const remembered = read()
  if (userOf(state) !== null && remembered !== null && userOf(remembered) !== userOf(state) && !same) {
    forgetPerson()
    remember(state)
    if (before !== null && userOf(before) !== null) {
      location.replace(pagePaths.home)
      return
    }
  }
  remember(state)
  const unchanged = !ended && before !== null && JSON.stringify(before) === JSON.stringify(state)
  if (!unchanged) account.set(() => ({ state, ended: false, problem: null }))
}

export async function signOut(to: string = pagePaths.signIn): Promise<void> {
  await server.signOut()
  leave(to)
}

/** Forgets what the person typed, and starts over. */
export function leave(path: string): void {
  forgetPerson()
  location.replace(path)
}

onUnauthorized(() => {
  if (!account.get().ended) void refreshAccount()
})

/** Somebody may have signed in in another tab meanwhile. */
function lookAgain(): void {
  if (account.get().ended && document.visibilityState === 'visible') void refreshAccount()
}
window.addEventListener('focus', lookAgain)
document.addEventListener('visibilitychange', lookAgain)

/** `local` is the user of this machine before there are accounts. */
function userOf({ person, local }: SessionState): string | null {
  return person?.id ?? (local ? 'local' : null)
}

/** The last user stays remembered while nobody is signed in. */
function remember(state: SessionState): void {
  if (userOf(state) === null) return
  try {
    sessionStorage.setItem(REMEMBERED, JSON.stringify(state))
  } catch {
    // Remembered as long as the page is open.
  }
}

function read(): SessionState | null {
  try {
    return JSON.parse(sessionStorage.getItem(REMEMBERED) ?? 'null') as SessionState | null
  } catch {
    return null
  }
}

/** Drafts, messages not sent, and threads begun. The theme is in another storage and stays. */
function forgetPerson(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith('parley.')) sessionStorage.removeItem(key)
  } catch {
    // Nothing was stored.
  }
}
