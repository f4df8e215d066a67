/**
 * The pages that the app package links to, because Teams wants a website, a privacy statement and terms of use for every app.
 * Anyone may read them: they say what this Parley does, and nothing about its users.
 */
import type { Mount, Route } from '../../src/core/http.ts'
import { teamsWording } from '../../src/wording/teams.ts'

const prefix = '/teams'
const names = ['about', 'privacy', 'terms'] as const
export type PageName = (typeof names)[number]

export const pagePath = (name: PageName) => `${prefix}/${name}`

const headers = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}
const style =
  'body{max-width:42rem;margin:3rem auto;padding:0 1.5rem;font:1rem/1.6 system-ui,sans-serif;color:#1f2430;background:#fff}nav{display:flex;gap:1rem}a{color:#3b5bdb}@media(prefers-color-scheme:dark){body{color:#e6e8ee;background:#16181d}a{color:#91a7ff}}'

export function createPages(): Mount {
  const routes = names.map((name): Route => {
    const page = render(name)
    return {
      method: 'GET',
      path: pagePath(name),
      access: ['public'],
      handle: (context) => context.html(page, 200, { 'cache-control': 'public, max-age=3600' }),
    }
  })
  return { prefix, routes, headers }
}

function render(name: PageName): string {
  const { title, text } = teamsWording.pages[name]
  const links = names.map((each) => `<a href="${pagePath(each)}">${escaped(teamsWording.pages[each].title)}</a>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)} · Parley</title><style>${style}</style></head>
<body><nav>${links.join('')}</nav><h1>${escaped(title)}</h1>
${text.map((paragraph) => `<p>${escaped(paragraph)}</p>`).join('\n')}
</body></html>
`
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
