/** `/admin/people`: everyone, what they may do, and invitations. */
import { useState } from 'react'
import { type PersonRole, personRoles } from '../../../../src/core/person.ts'
import { accountWording, adminWording } from '../../../../src/wording/account.ts'
import type { CreatedInvitation, Me, PersonRow } from '../../account-api.ts'
import { formatAgo } from '../account/ago.ts'
import { identityName } from '../account/connections.tsx'
import { Failure, Field, Shown, useLoaded, useSubmission } from '../account/form.tsx'
import type { ScreenProps } from '../account/settings.tsx'
import { refreshAccount } from '../lib/account.ts'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { Initials } from '../parts/member-menu.tsx'
import { adminApi } from './api.ts'
import { Invitations, InviteDialog, LinkDialog } from './invite-dialog.tsx'

const words = adminWording.people
/** A shorter list needs no search field. */
const FIND_FROM = 8

export function People({ me }: ScreenProps) {
  const people = useLoaded(adminApi.people)
  const [inviting, setInviting] = useState(false)
  const [link, setLink] = useState<{ name: string; made: CreatedInvitation } | null>(null)
  const [sought, setSought] = useState('')
  const withdrawing = useSubmission()
  return (
    <>
      <p className="lead">{words.lead}</p>
      <Shown of={people}>
        {(data) => {
          const found = data.people.filter((person) => matches(person, sought))
          return (
            <>
              <div className="toolbar">
                {data.people.length < FIND_FROM ? null : (
                  <Field
                    label={words.find}
                    type="search"
                    value={sought}
                    onChange={(event) => setSought(event.currentTarget.value)}
                  />
                )}
                <button type="button" className="button primary" onClick={() => setInviting(true)}>
                  {words.invite}
                </button>
              </div>
              <ul className="rows people">
                {found.map((person) => (
                  <Person
                    key={person.id}
                    person={person}
                    me={me}
                    onChange={people.reload}
                    onLink={(made) => setLink({ name: person.name, made })}
                  />
                ))}
              </ul>
              <p role="status" className="muted">
                {found.length === 0 ? words.nobody : null}
              </p>
              <Invitations
                rows={data.invitations}
                submission={withdrawing}
                onWithdraw={(id) =>
                  void withdrawing.run(async () => {
                    await adminApi.withdraw(id)
                    await people.reload()
                  })
                }
              />
              {inviting ? (
                <InviteDialog
                  roles={personRoles}
                  teams={data.teams}
                  fixedTeam={false}
                  invite={async (invitee) => {
                    const made = await adminApi.invite(invitee)
                    await people.reload()
                    return made
                  }}
                  onClose={() => setInviting(false)}
                />
              ) : null}
            </>
          )
        }}
      </Shown>
      {link === null ? null : <LinkDialog {...link} onClose={() => setLink(null)} />}
    </>
  )
}

function matches({ name, email, teams }: PersonRow, sought: string): boolean {
  const text = [name, email ?? '', ...teams.map((team) => team.name)].join('\n').toLowerCase()
  return text.includes(sought.trim().toLowerCase())
}

interface PersonProps {
  person: PersonRow
  me: Me
  onChange(): Promise<void>
  onLink(made: CreatedInvitation): void
}

function Person({ person, me, onChange, onLink }: PersonProps) {
  const [open, setOpen] = useState(false)
  const [leaving, setLeaving] = useState(false)
  const [told, setTold] = useState<string | null>(null)
  const submission = useSubmission()
  const { id, name, email, role } = person
  const act = (action: () => Promise<unknown>, then: string | null = null) =>
    void submission.run(async () => {
      setTold(null)
      await action()
      await onChange()
      setTold(then)
      if (id === me.id) await refreshAccount()
    })
  const details = `person-${id}`
  return (
    <li className={person.disabledAt === null ? 'row person' : 'row person disabled'}>
      <Initials name={name} />
      <div className="row-text">
        <strong dir="auto">
          {name}
          {id === me.id ? <span className="badge">{words.you}</span> : null}
          {person.disabledAt === null ? null : <span className="badge">{words.disabled}</span>}
        </strong>
        <span className="muted">{[email, seenOf(person)].filter((part) => part !== null).join(' · ')}</span>
      </div>
      <select
        className="role-select"
        aria-label={words.roleOf(name)}
        value={role}
        disabled={person.namedAdmin}
        title={person.namedAdmin ? words.fromConfig : undefined}
        onChange={(event) => {
          const next = event.currentTarget.value as PersonRole
          act(() => adminApi.setRole(id, next))
        }}
      >
        {personRoles.map((each) => (
          <option key={each} value={each}>
            {accountWording.roles[each].name}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="icon-button"
        aria-label={words.details(name)}
        aria-expanded={open}
        aria-controls={open ? details : undefined}
        onClick={() => setOpen(!open)}
      >
        <Icon name="more" />
      </button>
      <div className="row-below">
        <Failure text={submission.error} />
        <p role="status" className="muted">
          {told}
        </p>
        {open ? (
          <div id={details} className="person-details">
            <dl className="facts">
              <div>
                <dt>{words.accounts}</dt>
                <dd>
                  {[...(person.hasPassword ? [words.password] : []), ...person.identities.map(identityName)].join(
                    ', ',
                  ) || '–'}
                </dd>
              </div>
              <div>
                <dt>{words.teams}</dt>
                <dd>
                  {person.teams
                    .map((team) => `${team.name} (${accountWording.teamRoles[team.role].toLowerCase()})`)
                    .join(', ') || words.noTeams}
                </dd>
              </div>
            </dl>
            {person.namedAdmin ? <p className="muted">{words.fromConfig}</p> : null}
            <div className="form-actions">
              <button
                type="button"
                className="button small"
                onClick={() =>
                  void submission.run(async () =>
                    onLink(await adminApi.invite({ role, personId: id, email: email ?? undefined })),
                  )
                }
              >
                {person.signedInAt === null ? words.linkChat : words.link}
              </button>
              {id === me.id ? null : (
                <>
                  <button
                    type="button"
                    className="button small"
                    onClick={() => act(() => adminApi.signOut(id), words.signedOut)}
                  >
                    {words.signOut}
                  </button>
                  <button
                    type="button"
                    className="button small"
                    onClick={() => act(() => (person.disabledAt === null ? adminApi.disable(id) : adminApi.enable(id)))}
                  >
                    {person.disabledAt === null ? words.disable : words.enable}
                  </button>
                  <button type="button" className="button small danger-quiet" onClick={() => setLeaving(true)}>
                    {words.remove}
                  </button>
                </>
              )}
            </div>
          </div>
        ) : null}
      </div>
      {leaving ? (
        <ConfirmDialog
          title={words.removeQuestion(name)}
          text={words.removeWhat}
          cancel={accountWording.cancel}
          confirm={words.removeConfirm}
          onCancel={() => setLeaving(false)}
          onConfirm={() => {
            setLeaving(false)
            act(() => adminApi.remove(id))
          }}
        />
      ) : null}
    </li>
  )
}

function seenOf({ signedInAt, identities, hasPassword }: PersonRow): string {
  if (signedInAt !== null) return words.seen(formatAgo(signedInAt))
  return identities.length > 0 && !hasPassword ? words.chatOnly : words.never
}
