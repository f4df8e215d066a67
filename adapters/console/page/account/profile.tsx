/** `/me`, `/me/sessions` and `/me/data`: who somebody is here, where they are signed in, and what is stored of them. */
import { useState } from 'react'
import { accountWording as words } from '../../../../src/wording/account.ts'
import type { SessionRow, UpdateMe } from '../../account-api.ts'
import { pagePaths } from '../../paths.ts'
import { account, leave, refreshAccount } from '../lib/account.ts'
import { useStore } from '../lib/store.ts'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { formatAgo } from './ago.ts'
import { accountApi, exportUrl } from './api.ts'
import { deviceOf } from './device.ts'
import { Failure, Field, Form, SelectField, Shown, TextField, useLoaded, useSubmission } from './form.tsx'
import type { ScreenProps } from './settings.tsx'

export function Profile({ me }: ScreenProps) {
  const saving = useSubmission()
  return (
    <>
      <Form
        submit={words.save}
        done={words.saved}
        submission={saving}
        onSubmit={async (value) => {
          const orNull = (name: string) => value(name).trim() || null
          const changed: UpdateMe = {
            name: value('name'),
            email: orNull('email'),
            language: orNull('language'),
            timeZone: orNull('timeZone'),
            instructions: orNull('instructions'),
          }
          await accountApi.update(changed)
          await refreshAccount()
        }}
      >
        <Field
          label={words.field.name}
          name="name"
          autoComplete="name"
          maxLength={100}
          defaultValue={me.name}
          dir="auto"
          required
        />
        <Field
          label={words.field.email}
          name="email"
          type="email"
          autoComplete="email"
          maxLength={254}
          defaultValue={me.email ?? ''}
          required={me.hasPassword}
        />
        <SelectField
          label={words.profile.language}
          name="language"
          defaultValue={me.language ?? ''}
          options={[{ value: '', label: words.profile.questionsLanguage }, ...languageOptions(me.language)]}
        />
        <SelectField
          label={words.profile.timeZone}
          hint={words.profile.timeZoneHint}
          name="timeZone"
          defaultValue={me.timeZone ?? ''}
          options={[
            { value: '', label: 'UTC' },
            ...Intl.supportedValuesOf('timeZone')
              .filter((zone) => zone !== 'UTC')
              .map((zone) => ({ value: zone, label: zone.replaceAll('_', ' ') })),
          ]}
        />
        <TextField
          label={words.profile.instructions}
          name="instructions"
          rows={5}
          maxLength={4000}
          defaultValue={me.instructions ?? ''}
          hint={words.profile.instructionsHint}
        />
      </Form>
      <dl className="facts">
        <div>
          <dt>{words.profile.role}</dt>
          <dd>{words.roles[me.role].name}</dd>
        </div>
        {me.teams.length === 0 ? null : (
          <div>
            <dt>{words.profile.teams}</dt>
            <dd>{me.teams.map(({ name, role }) => `${name} (${words.teamRoles[role].toLowerCase()})`).join(', ')}</dd>
          </div>
        )}
      </dl>
      <PasswordSection hasPassword={me.hasPassword} email={me.email} />
    </>
  )
}

function PasswordSection({ hasPassword, email }: { hasPassword: boolean; email: string | null }) {
  const submission = useSubmission()
  const state = useStore(account, ({ state }) => state)
  if (state === null) return null
  return (
    <section className="settings-section">
      <h2>{words.profile.password}</h2>
      <p>{hasPassword ? words.profile.passwordLead : words.profile.passwordFirst}</p>
      <Form
        submit={hasPassword ? words.profile.changePassword : words.profile.setPassword}
        done={words.profile.passwordChanged}
        submission={submission}
        onSubmit={async (value, form) => {
          const current = hasPassword ? value('current') : undefined
          await accountApi.changePassword({ current, new: value('new') })
          form.reset()
          await refreshAccount()
        }}
      >
        <input type="hidden" autoComplete="username" value={email ?? ''} readOnly />
        {hasPassword ? (
          <Field
            label={words.field.currentPassword}
            name="current"
            type="password"
            autoComplete="current-password"
            required
          />
        ) : null}
        <Field
          label={words.field.newPassword}
          name="new"
          type="password"
          autoComplete="new-password"
          minLength={state.minPasswordLength}
          hint={words.field.passwordHint(state.minPasswordLength)}
          required
        />
      </Form>
    </section>
  )
}

const languages =
  'ar bg ca cs da de el en en-GB en-US es et fi fr he hi hr hu id it ja ko lt lv nl no pl pt pt-BR ro ru sk sl sr sv th tr uk vi zh-CN zh-TW'.split(
    ' ',
  )

/** Named for people in their own language, and for models in English, as `/parley persona language` has it, too. */
function languageOptions(current: string | null): { value: string; label: string }[] {
  const english = new Intl.DisplayNames(['en'], { type: 'language' })
  const known = languages.map((tag) => {
    const value = english.of(tag) ?? tag
    const own = new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? value
    return { value, label: own.charAt(0).toLocaleUpperCase(tag) + own.slice(1) }
  })
  const listed = current === null || known.some(({ value }) => value === current)
  return listed ? known : [{ value: current, label: current }, ...known]
}

export function Sessions() {
  const sessions = useLoaded(accountApi.sessions)
  const submission = useSubmission()
  const act = (action: () => Promise<unknown>) =>
    void submission.run(async () => {
      await action()
      await sessions.reload()
    })
  return (
    <>
      <p className="lead">{words.sessions.lead}</p>
      <Failure text={submission.error} />
      <Shown of={sessions}>
        {(rows) => (
          <>
            <ul className="rows">
              {rows.map((row) => (
                <SessionItem key={row.id} row={row} onEnd={() => act(() => accountApi.endSession(row.id))} />
              ))}
            </ul>
            {rows.length > 1 ? (
              <button type="button" className="button" onClick={() => act(accountApi.endOthers)}>
                {words.sessions.others}
              </button>
            ) : (
              <p className="muted">{words.sessions.none}</p>
            )}
          </>
        )}
      </Shown>
    </>
  )
}

function SessionItem({ row, onEnd }: { row: SessionRow; onEnd(): void }) {
  const device = deviceOf(row.userAgent)
  return (
    <li className="row">
      <div className="row-text">
        <strong>{device}</strong>
        <span className="muted">
          {row.address} · {words.sessions.used(formatAgo(row.usedAt))}
        </span>
      </div>
      {row.current ? (
        <span className="badge">{words.sessions.current}</span>
      ) : (
        <button type="button" className="button small" aria-label={words.sessions.signOutNamed(device)} onClick={onEnd}>
          {words.sessions.signOut}
        </button>
      )}
    </li>
  )
}

export function Data({ me }: ScreenProps) {
  const [asking, setAsking] = useState(false)
  const [typed, setTyped] = useState('')
  const [chats, setChats] = useState(false)
  const submission = useSubmission()
  return (
    <>
      <section className="settings-section">
        <h2>{words.data.export}</h2>
        <p>{words.data.exportLead}</p>
        <a className="button" href={exportUrl} download>
          {words.data.download}
        </a>
      </section>
      <section className="settings-section">
        <h2>{words.data.erase}</h2>
        <p>{words.data.eraseLead}</p>
        <Failure text={submission.error} />
        <button type="button" className="button danger-quiet" onClick={() => setAsking(true)}>
          {words.data.eraseOpen}
        </button>
      </section>
      {asking ? (
        <ConfirmDialog
          title={words.data.question}
          text={words.data.eraseLead}
          cancel={words.cancel}
          confirm={words.data.confirm}
          disabled={typed.trim() !== me.name.trim()}
          onCancel={() => setAsking(false)}
          onConfirm={() => {
            setAsking(false)
            void submission.run(async () => {
              await accountApi.erase({ name: typed, chats })
              leave(pagePaths.signIn)
            })
          }}
        >
          <Field
            label={words.data.type(me.name)}
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            required
          />
          <div className="checks">
            <label>
              <input type="checkbox" checked={chats} onChange={(event) => setChats(event.currentTarget.checked)} />
              {words.data.chats}
            </label>
          </div>
        </ConfirmDialog>
      ) : null}
    </>
  )
}
