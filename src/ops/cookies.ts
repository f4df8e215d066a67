/**
 * The cookies of the page. `__Host-` keeps other hosts and plain connections from setting them, so it needs `Secure`, which
 * browsers accept from https and from this machine. Cookies ignore ports: two Parleys on one machine need different names.
 */
import type { IncomingMessage } from 'node:http'
import type { CookieName, Cookies } from '../identity/cookies.ts'
import { whyNotThisMachine } from './this-machine.ts'

const names: Record<CookieName, string> = { session: 'parley', flow: 'parley-flow' }

/** `installation`: a few letters that tell this Parley from others on the machine. */
export function createCookies({
  publicUrl,
  installation,
}: {
  publicUrl: string | undefined
  installation: string
}): Cookies {
  const overHttps = publicUrl !== undefined && new URL(publicUrl).protocol === 'https:'

  function formOf(request: IncomingMessage, name: CookieName): { name: string; secure: boolean } {
    const here = whyNotThisMachine(request) === undefined
    const own = here ? `${names[name]}-${installation}` : names[name]
    const secure = here ? !isSafari(request) : overHttps
    return { name: secure ? `__Host-${own}` : own, secure }
  }

  function write(request: IncomingMessage, cookie: CookieName, value: string, maxAgeSeconds: number): string {
    const { name, secure } = formOf(request, cookie)
    return `${name}=${value}; Max-Age=${maxAgeSeconds}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  }

  return {
    read(request, cookie) {
      const { name } = formOf(request, cookie)
      for (const pair of (request.headers.cookie ?? '').split(';')) {
        const [key, value = ''] = pair.trim().split('=', 2)
        if (key === name && /^[\w.-]{1,512}$/.test(value)) return value
      }
      return undefined
    },
    set: write,
    clear: (request, cookie) => write(request, cookie, '', 0),
  }
}

/** It takes no `Secure` cookie from http, not even on this machine: https://bugs.webkit.org/show_bug.cgi?id=232088 */
function isSafari({ headers }: IncomingMessage): boolean {
  const agent = headers['user-agent'] ?? ''
  return agent.includes('Safari/') && !/Chrom(?:e|ium)\/|Edg|OPR\//.test(agent)
}
