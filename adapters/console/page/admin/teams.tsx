/** `/admin/teams`, and the team of a manager: members, places and instructions. */
import { useState } from 'react'
import { type TeamRole, teamRoles } from '../../../../src/core/person.ts'
import { accountWording, adminWording } from '../../../../src/wording/account.ts'
import type { PersonRow, TeamDetails } from '../../account-api.ts'
import { accountApi } from '../account/api.ts'
import { Failure, Field, Form, SelectField, Shown, TextField, useLoaded, useSubmission } from '../account/form.tsx'
import type { ScreenProps } from '../account/settings.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { ExpandableRow } from '../parts/expandable-row.tsx'
import { Icon } from '../parts/icon.tsx'
import { Initials } from '../parts/member-menu.tsx'
import { adminApi } from './api.ts'
import { TeamCollections } from './collections.tsx'
import { Invitations, InviteDialog } from './invite-dialog.tsx'

const words = adminWording.teams

export function Teams(_: ScreenProps) {
  const people = useLoaded(adminApi.people)
  const creating = useSubmission()
  const [open, setOpen] = useState<string | null>(null)
  return (
    <>
      <p className="lead">{words.lead}</p>
      <Shown of={people}>
        {(data) => {
          const change = (team: TeamDetails) =>
            people.set({ ...data, teams: data.teams.map((one) => (one.id === team.id ? team : one)) })
          return (
            <>
              {data.teams.length === 0 ? <p className="muted">{words.none}</p> : null}
              <ul className="rows">
                {data.teams.map((team) => (
                  <ExpandableRow
                    key={team.id}
                    name={team.name}
                    about={`${words.memberCount(team.members.length)} · ${words.placeCount(team.places.length)}`}
                    words={words}
                    open={open === team.id}
                    onToggle={() => setOpen(open === team.id ? null : team.id)}
                  >
                    <Team team={team} people={data.people} onChange={change} onDelete={people.reload} />
                  </ExpandableRow>
                ))}
              </ul>
              <section className="settings-section">
                <h2>{words.create}</h2>
                <Form
                  submit={words.submit}
                  submission={creating}
                  onSubmit={async (value, form) => {
                    const team = await adminApi.createTeam(value('name'))
                    form.reset()
                    await people.reload()
                    setOpen(team.id)
                  }}
                >
                  <Field label={words.name} name="name" maxLength={100} autoComplete="off" dir="auto" required />
                </Form>
              </section>
            </>
          )
        }}
      </Shown>
    </>
  )
}

interface TeamProps {
  team: TeamDetails
  people: PersonRow[]
  onChange(team: TeamDetails): void
  onDelete(): Promise<void>
}

function Team({ team, people, onChange, onDelete }: TeamProps) {
  const saving = useSubmission()
  const members = useSubmission()
  const deleting = useSubmission()
  const [leaving, setLeaving] = useState(false)
  const others = people.filter(({ id, disabledAt }) => {
    return disabledAt === null && !team.members.some(({ personId }) => personId === id)
  })
  const change = (action: () => Promise<TeamDetails>) => members.run(async () => onChange(await action()))
  return (
    <>
      <h2>{words.members}</h2>
      {team.members.length === 0 ? <p className="muted">{words.noMembers}</p> : null}
      <ul className="rows">
        {team.members.map(({ personId, name, role }) => (
          <li key={personId} className="row">
            <Initials name={name} />
            <div className="row-text">
              <strong dir="auto">{name}</strong>
            </div>
            <div className="row-actions">
              <select
                aria-label={words.roleOf(name)}
                value={role}
                onChange={(event) => {
                  const next = event.currentTarget.value as TeamRole
                  void change(() => adminApi.setMember(team.id, personId, next))
                }}
              >
                {teamRoles.map((each) => (
                  <option key={each} value={each}>
                    {accountWording.teamRoles[each]}
                  </option>
                ))}
              </select>
              <button
                type="button"
                className="icon-button"
                aria-label={words.removeMember(name)}
                title={words.remove}
                onClick={() => void change(() => adminApi.removeMember(team.id, personId))}
              >
                <Icon name="close" />
              </button>
            </div>
          </li>
        ))}
      </ul>
      {others.length === 0 ? (
        <Failure text={members.error} />
      ) : (
        <Form
          submit={words.add}
          submission={members}
          className="inline"
          onSubmit={async (value) => onChange(await adminApi.setMember(team.id, value('person'), 'member'))}
        >
          <SelectField
            key={others[0]?.id}
            label={words.person}
            name="person"
            options={others.map(({ id, name, email }) => ({
              value: id,
              label: email === null ? name : `${name} (${email})`,
            }))}
          />
        </Form>
      )}
      <Form
        submit={accountWording.save}
        done={accountWording.saved}
        submission={saving}
        onSubmit={async (value) => {
          const places = value('places')
            .split('\n')
            .map((line) => line.trim())
            .filter((line) => line !== '')
          const instructions = value('instructions').trim() || null
          onChange(await adminApi.updateTeam(team.id, { name: value('name'), instructions, places }))
        }}
        actions={
          <button type="button" className="button danger-quiet" onClick={() => setLeaving(true)}>
            {words.delete}
          </button>
        }
      >
        <Field
          label={words.name}
          name="name"
          maxLength={100}
          defaultValue={team.name}
          dir="auto"
          autoComplete="off"
          required
        />
        <TextField
          label={words.places}
          name="places"
          rows={3}
          defaultValue={team.places.join('\n')}
          hint={words.placesHint}
          spellCheck={false}
        />
        <TextField
          label={words.instructions}
          name="instructions"
          rows={4}
          maxLength={4000}
          defaultValue={team.instructions ?? ''}
          hint={words.instructionsHint}
        />
      </Form>
      <Failure text={deleting.error} />
      {leaving ? (
        <ConfirmDialog
          title={words.deleteQuestion(team.name)}
          text={words.deleteWhat}
          cancel={accountWording.cancel}
          confirm={words.deleteConfirm}
          onCancel={() => setLeaving(false)}
          onConfirm={() => {
            setLeaving(false)
            void deleting.run(async () => {
              await adminApi.deleteTeam(team.id)
              await onDelete()
            })
          }}
        />
      ) : null}
    </>
  )
}

/** The screen of a team's manager: its members and invitations. */
export function ManagedTeam({ param }: ScreenProps) {
  const team = useLoaded(() => accountApi.team(param), param)
  const [inviting, setInviting] = useState(false)
  const withdrawing = useSubmission()
  return (
    <Shown of={team}>
      {(data) => (
        <>
          <p className="lead">{words.managed}</p>
          <div className="toolbar">
            <button type="button" className="button primary" onClick={() => setInviting(true)}>
              {adminWording.people.invite}
            </button>
          </div>
          <ul className="rows">
            {data.members.map(({ personId, name, role }) => (
              <li key={personId} className="row">
                <Initials name={name} />
                <div className="row-text">
                  <strong dir="auto">{name}</strong>
                  <span className="muted">{accountWording.teamRoles[role]}</span>
                </div>
              </li>
            ))}
          </ul>
          <Invitations
            rows={data.invitations}
            submission={withdrawing}
            onWithdraw={(id) =>
              void withdrawing.run(async () => {
                await accountApi.withdrawFromTeam(param, id)
                await team.reload()
              })
            }
          />
          <TeamCollections team={param} />
          {inviting ? (
            <InviteDialog
              roles={['member', 'guest']}
              teams={[data]}
              fixedTeam
              invite={async ({ name, email, role, team: to }) => {
                const made = await accountApi.inviteToTeam(param, {
                  name,
                  email,
                  role: role === 'guest' ? 'guest' : 'member',
                  teamRole: to?.role ?? 'member',
                })
                await team.reload()
                return made
              }}
              onClose={() => setInviting(false)}
            />
          ) : null}
        </>
      )}
    </Shown>
  )
}
