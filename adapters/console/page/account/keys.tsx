/** `/me/keys`: API keys of a person. */
import { useState } from 'react'
import type { KeyScope } from '../../../../src/core/api-key.ts'
import { accountWording as words } from '../../../../src/wording/account.ts'
import type { CreatedKey, CreateKey, KeyRow } from '../../account-api.ts'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { formatAgo } from './ago.ts'
import { accountApi } from './api.ts'
import { CopyLine } from './copy-line.tsx'
import { Failure, Field, Form, SelectField, Shown, useLoaded, useSubmission } from './form.tsx'
import type { ScreenProps } from './settings.tsx'

const DAYS = [30, 90, 365]
const allScopes = Object.keys(words.keys.scope) as KeyScope[]

export function Keys({ me }: ScreenProps) {
  const keys = useLoaded(accountApi.keys)
  const [created, setCreated] = useState<CreatedKey | null>(null)
  const [leaving, setLeaving] = useState<KeyRow | null>(null)
  const creating = useSubmission()
  const revoking = useSubmission()
  const scopes = allScopes.filter((scope) => scope !== 'admin' || me.role === 'admin')
  return (
    <>
      <p className="lead">{words.keys.lead}</p>
      <Failure text={revoking.error} />
      <Shown of={keys}>
        {(rows) => (
          <>
            {rows.length === 0 ? <p className="muted">{words.keys.none}</p> : null}
            <ul className="rows">
              {rows.map((key) => (
                <li key={key.id} className="row">
                  <div className="row-text">
                    <strong dir="auto">{key.name}</strong>
                    <span className="muted">
                      {[...key.scopes.map((scope) => words.keys.scope[scope]), endOf(key), lastUseOf(key)].join(' · ')}
                    </span>
                  </div>
                  <button
                    type="button"
                    className="button small"
                    aria-label={words.keys.revokeNamed(key.name)}
                    onClick={() => setLeaving(key)}
                  >
                    {words.keys.revoke}
                  </button>
                </li>
              ))}
            </ul>
          </>
        )}
      </Shown>
      <section className="settings-section">
        <h2>{created === null ? words.keys.create : words.keys.secret(created.key.name)}</h2>
        {created === null ? (
          <Form
            submit={words.keys.submit}
            submission={creating}
            onSubmit={async (value, form) => {
              const days = Number(value('days'))
              const made = await accountApi.createKey({
                name: value('name'),
                amount: value('amount').replace(/^\$/, '').replace(',', '.'),
                period: value('period') as CreateKey['period'],
                scopes: scopes.filter((scope) => value(scope) === 'on'),
                days: days === 0 ? undefined : days,
              })
              form.reset()
              setCreated(made)
              await keys.reload()
            }}
          >
            <Field
              label={words.keys.name}
              name="name"
              maxLength={50}
              autoComplete="off"
              hint={words.keys.nameHint}
              required
            />
            <Field
              label={words.keys.amount}
              name="amount"
              inputMode="decimal"
              pattern="\$?\d{1,9}([.,]\d{1,9})?"
              defaultValue="10"
              autoComplete="off"
              required
            />
            <SelectField
              label={words.keys.period}
              name="period"
              defaultValue="month"
              options={Object.entries(words.keys.periods).map(([value, label]) => ({ value, label }))}
            />
            <fieldset className="checks">
              <legend>{words.keys.scopes}</legend>
              {scopes.map((scope) => (
                <label key={scope}>
                  <input type="checkbox" name={scope} defaultChecked={scope === 'ask'} />
                  {words.keys.scope[scope]}
                </label>
              ))}
            </fieldset>
            <SelectField
              label={words.keys.expires}
              name="days"
              defaultValue="90"
              options={[
                ...DAYS.map((days) => ({ value: String(days), label: words.keys.days(days) })),
                { value: '0', label: words.keys.never },
              ]}
            />
          </Form>
        ) : (
          <div className="secret" role="status">
            <p>{words.keys.secretWhat(`${location.origin}/v1`)}</p>
            <CopyLine label={words.keys.key} text={created.secret} />
            <button type="button" className="button" onClick={() => setCreated(null)}>
              {words.keys.done}
            </button>
          </div>
        )}
      </section>
      {leaving === null ? null : (
        <ConfirmDialog
          title={words.keys.question(leaving.name)}
          text={words.keys.what}
          cancel={words.cancel}
          confirm={words.keys.revoke}
          onCancel={() => setLeaving(null)}
          onConfirm={() => {
            setLeaving(null)
            void revoking.run(async () => {
              await accountApi.revokeKey(leaving.id)
              await keys.reload()
            })
          }}
        />
      )}
    </>
  )
}

function endOf({ expiresAt }: KeyRow): string {
  if (expiresAt === null) return words.keys.noExpiry
  const date = words.date(expiresAt)
  return new Date(expiresAt) < new Date() ? words.keys.expired(date) : words.keys.expiresAt(date)
}

const lastUseOf = ({ lastUsedAt }: KeyRow) =>
  lastUsedAt === null ? words.keys.unused : words.keys.used(formatAgo(lastUsedAt))
