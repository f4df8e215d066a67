/** The addresses of the page: the server sends the page at each of them, and its router shows the screen. Pure. */
import { isUuid } from '../../src/core/uuid.ts'

/** `:name` stands for one part of the path. */
export const pagePaths = {
  home: '/',
  thread: '/t/:id',
  signIn: '/sign-in',
  setUp: '/set-up',
  invite: '/invite/:code',
  link: '/link',
  profile: '/me',
  connections: '/me/connections',
  sessions: '/me/sessions',
  keys: '/me/keys',
  data: '/me/data',
  managedTeam: '/me/teams/:id',
  people: '/admin/people',
  teams: '/admin/teams',
  collections: '/admin/collections',
  adminSignIn: '/admin/sign-in',
} as const

export type Screen = keyof typeof pagePaths

export interface Route {
  screen: Screen
  /** Of a thread or an invitation; empty elsewhere. */
  param: string
}

const params: Record<string, (text: string) => boolean> = { id: isUuid, code: (text) => /^[\w-]+$/.test(text) }

/** The screen of a path; `null` where there is none. */
export function routeOf(path: string): Route | null {
  for (const screen of Object.keys(pagePaths) as Screen[]) {
    const [fixed = '', name = ''] = pagePaths[screen].split(':')
    if (path === fixed && name === '') return { screen, param: '' }
    const param = path.slice(fixed.length)
    if (path.startsWith(fixed) && params[name]?.(param))
      return { screen, param: name === 'id' ? param.toLowerCase() : param }
  }
  return null
}

/** Addresses of threads were `/#/t/…` before. Links to them still work. */
export function pathOfHash(hash: string): string | null {
  const path = hash.slice(1)
  return path.startsWith('/t/') && routeOf(path) !== null ? path : null
}

/** A path of this page that someone may be sent to after signing in; anything else leads to the start. */
export function safeReturn(path: string | null): string {
  return path !== null && routeOf(path) !== null ? path : pagePaths.home
}
