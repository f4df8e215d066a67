/** At the foot of the thread list: the signed-in person and their menu. Before there are accounts, a link to create the first one. */
import { useEffect, useId, useRef } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import { pagePaths } from '../../paths.ts'
import { account, signOut } from '../lib/account.ts'
import { initialsOf } from '../lib/format.ts'
import { route } from '../lib/route.ts'
import { useStore } from '../lib/store.ts'
import { Icon } from './icon.tsx'

export function Initials({ name }: { name: string }) {
  return (
    <span className="initials" aria-hidden="true">
      {initialsOf(name)}
    </span>
  )
}

export function MemberMenu({ onProblem }: { onProblem(cause: unknown): void }) {
  const state = useStore(account, ({ state }) => state)
  const id = useId()
  const menu = useRef<HTMLDivElement>(null)
  const opened = useStore(route, (now) => now)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link of the menu has opened another screen
  useEffect(() => menu.current?.hidePopover(), [opened])
  if (state?.local) {
    return (
      <a className="quiet-entry" href={pagePaths.setUp}>
        <Icon name="people" />
        {pageWording.member.addPeople}
      </a>
    )
  }
  const person = state?.person ?? null
  if (person === null) return null
  return (
    <>
      <button type="button" className="member" popoverTarget={id}>
        <Initials name={person.name} />
        <span className="member-name" dir="auto">
          {person.name}
        </span>
        <span className="visually-hidden">{pageWording.member.menu}</span>
        <Icon name="more" />
      </button>
      <div ref={menu} id={id} popover="auto" className="member-menu">
        {person.email === null ? null : <p>{person.email}</p>}
        <a href={pagePaths.profile}>{pageWording.member.settings}</a>
        {person.role === 'admin' ? <a href={pagePaths.people}>{pageWording.member.people}</a> : null}
        <button type="button" onClick={() => void signOut().catch(onProblem)}>
          {pageWording.member.signOut}
        </button>
      </div>
    </>
  )
}
