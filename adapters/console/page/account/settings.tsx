/** The frame of the account and admin screens: what there is on the left, one screen on the right. */
import './account.css'
import { type ComponentType, lazy, Suspense, useEffect, useRef } from 'react'
import { accountWording as words } from '../../../../src/wording/account.ts'
import type { Me } from '../../account-api.ts'
import { pagePaths, type Route, type Screen } from '../../paths.ts'
import { account } from '../lib/account.ts'
import { lastThreadHref } from '../lib/session.ts'
import { useStore } from '../lib/store.ts'
import { Icon } from '../parts/icon.tsx'
import { MemberMenu } from '../parts/member-menu.tsx'
import { ThemeSwitch } from '../parts/theme.tsx'
import { Connections, LinkFromChat } from './connections.tsx'
import { Keys } from './keys.tsx'
import { Data, Profile, Sessions } from './profile.tsx'

export interface ScreenProps {
  me: Me
  /** Of the route. */
  param: string
}

const People = lazy(() => import('../admin/people.tsx').then(({ People }) => ({ default: People })))
const Teams = lazy(() => import('../admin/teams.tsx').then(({ Teams }) => ({ default: Teams })))
const ManagedTeam = lazy(() => import('../admin/teams.tsx').then(({ ManagedTeam }) => ({ default: ManagedTeam })))
const Collections = lazy(() => import('../admin/collections.tsx').then(({ Collections }) => ({ default: Collections })))
const SignInSettings = lazy(() =>
  import('../admin/sign-in.tsx').then(({ SignInSettings }) => ({ default: SignInSettings })),
)

const yours = {
  profile: { title: words.profile.title, Content: Profile },
  connections: { title: words.connections.title, Content: Connections },
  link: { title: words.link.title, Content: LinkFromChat },
  sessions: { title: words.sessions.title, Content: Sessions },
  keys: { title: words.keys.title, Content: Keys },
  data: { title: words.data.title, Content: Data },
} satisfies Partial<Record<Screen, Entry>>

const admins = {
  people: { title: words.admin.people, Content: People },
  teams: { title: words.admin.teams, Content: Teams },
  collections: { title: words.admin.collections, Content: Collections },
  adminSignIn: { title: words.admin.signIn, Content: SignInSettings },
} satisfies Partial<Record<Screen, Entry>>

interface Entry {
  title: string
  Content: ComponentType<ScreenProps>
}

export function Settings({ route }: { route: Route }) {
  const me = useStore(account, ({ state }) => state?.person ?? null)
  const heading = useRef<HTMLHeadingElement>(null)
  const managed = me?.teams.find(({ id }) => id === route.param)
  const entry: Entry | undefined =
    route.screen === 'managedTeam'
      ? managed && { title: managed.name, Content: ManagedTeam }
      : ({ ...yours, ...admins } as Partial<Record<Screen, Entry>>)[route.screen]
  const title = entry?.title ?? words.settings.nav
  useEffect(() => {
    document.title = words.settings.title(title)
    heading.current?.focus()
    // On a phone, the links are one line.
    document.querySelector('.settings-links [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [title])
  if (me === null) return null
  const forbidden = (route.screen in admins && me.role !== 'admin') || entry === undefined
  return (
    <div className="app settings">
      <button type="button" className="skip-link" onClick={() => heading.current?.focus()}>
        {words.settings.skip}
      </button>
      <nav className="sidebar settings-nav" aria-label={words.settings.nav}>
        <a className="back" href={lastThreadHref()}>
          <Icon name="left" />
          {words.settings.back}
        </a>
        <div className="settings-links">
          <Group
            label={words.settings.you}
            links={(['profile', 'connections', 'sessions', 'keys', 'data'] as const).map((screen) => ({
              href: pagePaths[screen],
              title: yours[screen].title,
              current: route.screen === screen || (screen === 'connections' && route.screen === 'link'),
            }))}
          />
          <Group
            label={words.settings.managing}
            links={me.teams
              .filter(({ role }) => role === 'manager' && me.role !== 'admin')
              .map(({ id, name }) => ({
                href: pagePaths.managedTeam.replace(':id', id),
                title: name,
                current: route.param === id,
              }))}
          />
          <Group
            label={words.settings.admin}
            links={(me.role === 'admin' ? (Object.keys(admins) as (keyof typeof admins)[]) : []).map((screen) => ({
              href: pagePaths[screen],
              title: admins[screen].title,
              current: route.screen === screen,
            }))}
          />
        </div>
        <div className="settings-foot">
          <MemberMenu onProblem={() => location.reload()} />
          <div className="sidebar-foot">
            <ThemeSwitch />
          </div>
        </div>
      </nav>
      <main className="main settings-main">
        <div className="column settings-column">
          <h1 ref={heading} tabIndex={-1} dir="auto">
            {title}
          </h1>
          {forbidden ? (
            <p>{words.settings.forbidden}</p>
          ) : (
            <Suspense fallback={<p className="loading">{words.loading}</p>}>
              <entry.Content key={route.param} me={me} param={route.param} />
            </Suspense>
          )}
        </div>
      </main>
    </div>
  )
}

function Group({ label, links }: { label: string; links: { href: string; title: string; current: boolean }[] }) {
  if (links.length === 0) return null
  return (
    <section aria-label={label}>
      <h2>{label}</h2>
      <ul>
        {links.map(({ href, title, current }) => (
          <li key={href}>
            <a href={href} aria-current={current ? 'page' : undefined} dir="auto">
              {title}
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}
