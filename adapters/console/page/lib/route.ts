/** Which screen is open: the address as a store, and links that change it without loading the page again. */
import { pathOfHash, type Route, routeOf } from '../../paths.ts'
import { createStore } from './store.ts'

export const route = createStore<Route>(read())

/** The chat, with or without a thread in its address. */
export const isThread = ({ screen }: Route) => screen === 'home' || screen === 'thread'

export function navigate(path: string, how: 'push' | 'replace' = 'push'): void {
  if (path !== location.pathname + location.search + location.hash) {
    if (how === 'push') history.pushState(null, '', path)
    else history.replaceState(null, '', path)
  }
  follow()
}

function read(): Route {
  const moved = pathOfHash(location.hash)
  if (moved !== null) history.replaceState(null, '', moved)
  return routeOf(location.pathname) ?? { screen: 'home', param: '' }
}

function follow(): void {
  const next = read()
  route.set((now) => (now.screen === next.screen && now.param === next.param ? now : next))
}

window.addEventListener('popstate', follow)
window.addEventListener('hashchange', follow)
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return
  if (routeOf(link.pathname) === null) return
  event.preventDefault()
  navigate(link.pathname + link.search + link.hash)
})
