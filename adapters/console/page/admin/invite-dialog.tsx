/** The dialog that makes an invitation, and then shows its link once. */
import { useId, useState } from 'react'
import { type PersonRole, type TeamRole, teamRoles } from '../../../../src/core/person.ts'
import { accountWording, adminWording } from '../../../../src/wording/account.ts'
import type { CreatedInvitation } from '../../account-api.ts'
import { CopyLine } from '../account/copy-line.tsx'
import { Failure, Field, Form, SelectField, type Submission, useSubmission } from '../account/form.tsx'
import { useModal } from '../parts/confirm-dialog.tsx'

const words = adminWording.invite

export interface Invitee {
  name: string | undefined
  email: string | undefined
  role: PersonRole
  team: { id: string; role: TeamRole } | undefined
}

interface InviteDialogProps {
  /** The roles that may be given. */
  roles: readonly PersonRole[]
  /** Teams to choose from; of a manager, the one that they manage. */
  teams: readonly { id: string; name: string }[]
  fixedTeam: boolean
  invite(invitee: Invitee): Promise<CreatedInvitation>
  onClose(): void
}

export function InviteDialog({ roles, teams, fixedTeam, invite, onClose }: InviteDialogProps) {
  const heading = useId()
  const dialog = useModal()
  const [made, setMade] = useState<CreatedInvitation | null>(null)
  const [team, setTeam] = useState(fixedTeam ? (teams[0]?.id ?? '') : '')
  const submission = useSubmission()
  return (
    <dialog ref={dialog} className="dialog wide-dialog" aria-labelledby={heading} onCancel={onClose}>
      <h2 id={heading}>{made === null ? words.heading : words.ready}</h2>
      {made === null ? (
        <>
          <p>{words.lead}</p>
          <Form
            submit={words.submit}
            submission={submission}
            className="wide"
            actions={
              <button type="button" className="button" onClick={onClose}>
                {accountWording.cancel}
              </button>
            }
            onSubmit={async (value) => {
              const inTeam = team === '' ? undefined : { id: team, role: value('teamRole') as TeamRole }
              const [name, email] = [value('name').trim() || undefined, value('email').trim() || undefined]
              setMade(await invite({ name, email, role: value('role') as PersonRole, team: inTeam }))
            }}
          >
            <Field label={words.name} name="name" autoComplete="off" maxLength={100} dir="auto" />
            <Field label={words.email} name="email" type="email" autoComplete="off" maxLength={254} />
            <SelectField label={words.role} name="role" defaultValue="member" options={roleOptions(roles)} />
            {teams.length === 0 || fixedTeam ? null : (
              <SelectField
                label={words.team}
                value={team}
                onChange={(event) => setTeam(event.currentTarget.value)}
                options={[
                  { value: '', label: words.noTeam },
                  ...teams.map(({ id, name }) => ({ value: id, label: name })),
                ]}
              />
            )}
            {team === '' ? null : (
              <SelectField
                label={words.teamRole}
                name="teamRole"
                defaultValue="member"
                options={teamRoles.map((role) => ({ value: role, label: accountWording.teamRoles[role] }))}
              />
            )}
          </Form>
        </>
      ) : (
        <MadeLink made={made} onClose={onClose} />
      )}
    </dialog>
  )
}

/** The link for somebody who is known already: it sets their password, and nothing else about them. */
export function LinkDialog({ name, made, onClose }: { name: string; made: CreatedInvitation; onClose(): void }) {
  const heading = useId()
  const dialog = useModal()
  return (
    <dialog ref={dialog} className="dialog wide-dialog" aria-labelledby={heading} onCancel={onClose}>
      <h2 id={heading}>{words.readyFor(name)}</h2>
      <MadeLink made={made} onClose={onClose} />
    </dialog>
  )
}

function MadeLink({ made, onClose }: { made: CreatedInvitation; onClose(): void }) {
  return (
    <>
      {made.mail === undefined ? null : 'sentTo' in made.mail ? (
        <p role="status">{words.mailed(made.mail.sentTo)}</p>
      ) : (
        <Failure text={made.mail.problem} />
      )}
      <p>{words.once}</p>
      <CopyLine label={words.link} text={made.url} />
      {/^https?:\/\/(?:localhost|127\.|\[::1\])/.test(made.url) ? (
        <p className="field-hint">{words.thisMachine}</p>
      ) : null}
      <div className="dialog-actions">
        <button type="button" className="button primary" onClick={onClose}>
          {words.done}
        </button>
      </div>
    </>
  )
}

const roleOptions = (roles: readonly PersonRole[]) =>
  roles.map((role) => {
    const { name, may } = accountWording.roles[role]
    return { value: role, label: `${name}: ${may.charAt(0).toLowerCase()}${may.slice(1)}` }
  })

export function Invitations({
  rows,
  submission,
  onWithdraw,
}: {
  rows: CreatedInvitation['invitation'][]
  submission: Submission
  onWithdraw(id: string): void
}) {
  if (rows.length === 0) return <Failure text={submission.error} />
  return (
    <section className="settings-section">
      <h2>{words.open}</h2>
      <Failure text={submission.error} />
      <ul className="rows">
        {rows.map((row) => {
          const invitee = row.name ?? row.email ?? words.anyone
          const about = [
            row.name === null ? undefined : (row.email ?? undefined),
            accountWording.roles[row.role].name,
            row.team?.name,
            words.expires(accountWording.moment(row.expiresAt)),
          ]
          return (
            <li key={row.id} className="row">
              <div className="row-text">
                <strong dir="auto">{invitee}</strong>
                <span className="muted">{about.filter((part) => part !== undefined).join(' · ')}</span>
              </div>
              <button
                type="button"
                className="button small"
                aria-label={words.withdrawNamed(invitee)}
                onClick={() => onWithdraw(row.id)}
              >
                {words.withdraw}
              </button>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
