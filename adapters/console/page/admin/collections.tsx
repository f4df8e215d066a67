/** `/admin/collections`, and those of a manager's team: what Parley knows without a question, who may be told, and what could not be read. */
import { type ReactNode, useEffect, useState } from 'react'
import { accountWording, adminWording } from '../../../../src/wording/account.ts'
import { refreshWords, stateOf } from '../../../../src/wording/collections.ts'
import type { CollectionList, CollectionRow } from '../../account-api.ts'
import { accountApi } from '../account/api.ts'
import { Failure, Field, Form, SelectField, Shown, useLoaded, useSubmission } from '../account/form.tsx'
import type { ScreenProps } from '../account/settings.tsx'
import { randomId, startUpload } from '../lib/server.ts'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { ExpandableRow } from '../parts/expandable-row.tsx'
import { Icon } from '../parts/icon.tsx'
import { adminApi, collectionApi } from './api.ts'

const words = adminWording.collections
/** While something is being read, the screen looks again. */
const lookAgainMs = 2_000

const isReading = ({ sources }: CollectionRow) =>
  sources.some(({ state, waiting }) => state === 'waiting' || state === 'reading' || waiting > 0)

/** Loads again as long as something of it is being read. */
function useCollections<T extends { collections: CollectionRow[] }>(load: () => Promise<T>, key?: string) {
  const list = useLoaded(load, key)
  const reading = list.data?.collections.some(isReading) === true
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks with what is shown now
  useEffect(() => {
    if (!reading) return
    const timer = setInterval(() => void list.reload(), lookAgainMs)
    return () => clearInterval(timer)
  }, [reading])
  return list
}

/** What a team may be told, for its manager. */
export function TeamCollections({ team }: { team: string }) {
  const list = useCollections(() => accountApi.teamCollections(team), team)
  const creating = useSubmission()
  const [open, setOpen] = useState<string | null>(null)
  return (
    <section className="settings-section">
      <h2>{words.ofTeam}</h2>
      <p className="muted">{words.ofTeamLead}</p>
      <Shown of={list}>
        {(data) => {
          const change = (row: CollectionRow) =>
            list.set({ collections: data.collections.map((one) => (one.id === row.id ? { ...one, ...row } : one)) })
          return (
            <>
              {data.collections.length === 0 ? <p className="muted">{words.none}</p> : null}
              <ul className="rows">
                {data.collections.map(({ changeable, ...row }) => (
                  <ExpandableRow
                    key={row.id}
                    name={row.name}
                    about={contentOf(row).join(' · ')}
                    words={words}
                    open={open === row.id}
                    onToggle={() => setOpen(open === row.id ? null : row.id)}
                  >
                    {changeable ? (
                      <Contents row={row} team={team} onChange={change} onRemove={list.reload} />
                    ) : (
                      <>
                        <p className="muted">{words.othersToo}</p>
                        <Sources row={row} />
                      </>
                    )}
                  </ExpandableRow>
                ))}
              </ul>
              <Form
                submit={words.submit}
                submission={creating}
                className="inline"
                onSubmit={async (value, form) => {
                  const { id } = await accountApi.createTeamCollection(team, value('name'))
                  form.reset()
                  await list.reload()
                  setOpen(id)
                }}
              >
                <Field label={words.name} name="name" maxLength={100} autoComplete="off" dir="auto" required />
              </Form>
            </>
          )
        }}
      </Shown>
    </section>
  )
}

export function Collections(_: ScreenProps) {
  const list = useCollections(adminApi.collections)
  const creating = useSubmission()
  const [open, setOpen] = useState<string | null>(null)
  return (
    <>
      <p className="lead">{words.lead}</p>
      <Shown of={list}>
        {(data) => {
          const change = (row: CollectionRow) =>
            list.set({ ...data, collections: data.collections.map((one) => (one.id === row.id ? row : one)) })
          return (
            <>
              {data.collections.length === 0 ? <p className="muted">{words.none}</p> : null}
              <ul className="rows">
                {data.collections.map((row) => (
                  <ExpandableRow
                    key={row.id}
                    name={row.name}
                    about={aboutOf(row, data.teams)}
                    words={words}
                    open={open === row.id}
                    onToggle={() => setOpen(open === row.id ? null : row.id)}
                  >
                    <Contents row={row} onChange={change} onRemove={list.reload}>
                      <Audience row={row} teams={data.teams} onChange={change} />
                    </Contents>
                  </ExpandableRow>
                ))}
              </ul>
              <section className="settings-section">
                <h2>{words.create}</h2>
                <Form
                  submit={words.submit}
                  submission={creating}
                  onSubmit={async (value, form) => {
                    const scope = value('place').trim() || value('audience')
                    const { id } = await adminApi.createCollection({ name: value('name'), scope })
                    form.reset()
                    await list.reload()
                    setOpen(id)
                  }}
                >
                  <Field label={words.name} name="name" maxLength={100} autoComplete="off" dir="auto" required />
                  <AudienceFields teams={data.teams} />
                </Form>
              </section>
            </>
          )
        }}
      </Shown>
    </>
  )
}

type Teams = CollectionList['teams']

/** Everybody, a team, or a place as admins write it. */
function AudienceFields({ teams }: { teams: Teams }) {
  return (
    <>
      <SelectField
        label={words.audience}
        name="audience"
        options={[
          { value: 'all', label: words.everybody },
          ...teams.map(({ id, name }) => ({ value: `team:${id}`, label: words.team(name) })),
        ]}
      />
      <Field label={words.place} name="place" hint={words.placeHint} autoComplete="off" spellCheck={false} />
    </>
  )
}

function nameOf(scope: string, teams: Teams): string {
  if (scope === 'all') return words.everybody
  const team = teams.find(({ id }) => scope === `team:${id}`)
  return team === undefined ? scope : words.team(team.name)
}

function aboutOf(row: CollectionRow, teams: Teams): string {
  const audience = row.grants.map((scope) => nameOf(scope, teams)).join(', ')
  const [count = '', ...more] = contentOf(row)
  return [count, audience, ...more].join(' · ')
}

function contentOf(row: CollectionRow): string[] {
  return [
    words.sourceCount(row.sources.length),
    ...(isReading(row) ? [words.reading] : []),
    ...(row.sources.some(({ problems }) => problems.length > 0) ? [words.problems] : []),
  ]
}

function Sources({ row, onRemove }: { row: CollectionRow; onRemove?: (source: string) => void }) {
  return (
    <>
      <h2>{words.sources}</h2>
      {row.sources.length === 0 ? <p className="muted">{words.noSources}</p> : null}
      <ul className="rows">
        {row.sources.map((source) => (
          <li key={source.id} className="row">
            <div className="row-text">
              <strong dir="auto">{source.title}</strong>
              <span className="muted">
                {words.kinds[source.kind]} ·{' '}
                {stateOf({ ...source, refreshedAt: source.refreshedAt === null ? null : new Date(source.refreshedAt) })}
                {source.kind === 'file' || source.kind === 'upload' ? '' : ` · ${refreshWords(source.refreshHours)}`}
              </span>
              {source.problems.map((problem) => (
                <span key={problem} className="muted" dir="auto">
                  {problem}
                </span>
              ))}
            </div>
            {onRemove === undefined ? null : (
              <button
                type="button"
                className="icon-button"
                aria-label={words.removeSource(source.title)}
                title={words.remove}
                onClick={() => onRemove(source.id)}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
    </>
  )
}

interface ContentsProps {
  row: CollectionRow
  /** Of the manager who changes it; an admin has none. */
  team?: string
  onChange(row: CollectionRow): void
  onRemove(): Promise<void>
  children?: ReactNode
}

/** What is in a collection and changes it; `children` come before what removes it. */
function Contents({ row, team, onChange, onRemove, children }: ContentsProps) {
  const api = collectionApi(row.id, team)
  const adding = useSubmission()
  const uploading = useSubmission()
  const removing = useSubmission()
  const [leaving, setLeaving] = useState(false)
  const change = (action: () => Promise<CollectionRow>) => removing.run(async () => onChange(await action()))
  return (
    <>
      <Sources row={row} onRemove={(source) => void change(() => api.removeSource(source))} />
      <Form
        submit={words.add}
        submission={adding}
        onSubmit={async (value, form) => {
          const pages = value('pages').trim()
          const refresh = value('refresh') === 'daily' ? 'daily' : value('refresh') === 'off' ? 'off' : 'weekly'
          const body = { address: value('address'), pages: pages === '' ? undefined : Number(pages), refresh } as const
          onChange(await api.addSource(body))
          form.reset()
        }}
      >
        <Field
          label={words.address}
          name="address"
          type="url"
          placeholder="https://"
          maxLength={2000}
          autoComplete="off"
          required
        />
        <Field label={words.pages} name="pages" type="number" min={1} max={500} hint={words.pagesHint} />
        <SelectField
          label={words.refresh}
          name="refresh"
          options={(['weekly', 'daily', 'off'] as const).map((value) => ({ value, label: words.refreshing[value] }))}
        />
      </Form>
      <Form
        submit={words.upload}
        submission={uploading}
        className="inline"
        onSubmit={async (_, form) => {
          const chosen = [...(form.querySelector<HTMLInputElement>('input[type=file]')?.files ?? [])]
          for (const file of chosen) {
            const { uploadId } = await startUpload(randomId(), file, () => {}).done
            onChange(await api.addSource({ uploadId }))
          }
          form.reset()
        }}
      >
        <Field label={words.files} name="files" type="file" multiple required />
      </Form>
      {children}
      <Failure text={removing.error} />
      <div className="form-actions">
        <button type="button" className="button" onClick={() => void change(() => api.refresh())}>
          {words.readAgain}
        </button>
        <button type="button" className="button danger-quiet" onClick={() => setLeaving(true)}>
          {words.delete}
        </button>
      </div>
      {leaving ? (
        <ConfirmDialog
          title={words.deleteQuestion(row.name)}
          text={words.deleteWhat}
          cancel={accountWording.cancel}
          confirm={words.deleteConfirm}
          onCancel={() => setLeaving(false)}
          onConfirm={() => {
            setLeaving(false)
            void removing.run(async () => {
              await api.remove()
              await onRemove()
            })
          }}
        />
      ) : null}
    </>
  )
}

function Audience({ row, teams, onChange }: { row: CollectionRow; teams: Teams; onChange(row: CollectionRow): void }) {
  const granting = useSubmission()
  const revoking = useSubmission()
  const change = (action: () => Promise<CollectionRow>) => revoking.run(async () => onChange(await action()))
  return (
    <>
      <h2>{words.audience}</h2>
      <ul className="rows">
        {row.grants.map((scope) => (
          <li key={scope} className="row">
            <div className="row-text">
              <span dir="auto">{nameOf(scope, teams)}</span>
            </div>
            {row.grants.length > 1 ? (
              <button
                type="button"
                className="icon-button"
                aria-label={words.removeGrant(nameOf(scope, teams))}
                title={words.remove}
                onClick={() => void change(() => adminApi.changeGrant(row.id, { scope, granted: false }))}
              >
                <Icon name="close" />
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      <Form
        submit={words.grant}
        submission={granting}
        onSubmit={async (value, form) => {
          const scope = value('place').trim() || value('audience')
          onChange(await adminApi.changeGrant(row.id, { scope, granted: true }))
          form.reset()
        }}
      >
        <AudienceFields teams={teams} />
      </Form>
      <Failure text={revoking.error} />
    </>
  )
}
