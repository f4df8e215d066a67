/** `/me/connections` and `/link`: the chat accounts and sign-ins that are one person's. */
import { useEffect, useState } from 'react'
import { accountWording as words } from '../../../../src/wording/account.ts'
import type { LinkCode, LinkedIdentity, LinkState, SignInProvider } from '../../account-api.ts'
import { pagePaths } from '../../paths.ts'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { accountApi, connectUrl, mergeUrl } from './api.ts'
import { CopyLine } from './copy-line.tsx'
import { Failure, Field, Form, problemHere, Shown, useLoaded, useSubmission } from './form.tsx'
import { ProviderMark, providerName } from './provider-mark.tsx'

export const identityName = ({ provider, name, email, subject }: LinkedIdentity) =>
  `${providerName(provider)}: ${name ?? email ?? subject}`

/** Slack's workspaces and OpenID's issuers tell several accounts apart; other issuers only repeat the provider. */
const issuerOf = ({ provider, issuer }: LinkedIdentity) =>
  issuer === provider ? '' : issuer.replace(/^https?:\/\//, '').replace(/\/$/, '')

export function Connections() {
  const connections = useLoaded(accountApi.connections)
  const [leaving, setLeaving] = useState<LinkedIdentity | null>(null)
  const submission = useSubmission()
  return (
    <>
      <p className="lead">{words.connections.lead}</p>
      <Failure text={problemHere()} />
      <Failure text={submission.error} />
      <Shown of={connections}>
        {({ identities, connect }) => (
          <>
            {identities.length === 0 ? <p className="muted">{words.connections.none}</p> : null}
            <ul className="rows">
              {identities.map((identity) => (
                <li key={JSON.stringify(identity)} className="row">
                  <ProviderMark kind={identity.provider} />
                  <div className="row-text">
                    <strong dir="auto">{identityName(identity)}</strong>
                    <span className="muted">
                      {[issuerOf(identity), words.connections.linked(words.date(identity.linkedAt))]
                        .filter((part) => part !== '')
                        .join(' · ')}
                    </span>
                  </div>
                  <button
                    type="button"
                    className="button small"
                    aria-label={words.connections.disconnectNamed(identityName(identity))}
                    onClick={() => setLeaving(identity)}
                  >
                    {words.connections.disconnect}
                  </button>
                </li>
              ))}
            </ul>
            <section className="settings-section">
              <h2>{words.connections.connect}</h2>
              <ul className="rows">
                {connect.map((provider) => (
                  <li key={provider.id} className="row">
                    <ProviderMark kind={provider.kind} />
                    <div className="row-text">
                      <strong>{provider.label}</strong>
                    </div>
                    <a
                      className="button small"
                      href={connectUrl(provider.id)}
                      aria-label={words.connections.connectWith(provider.label)}
                    >
                      {words.connections.connectShort}
                    </a>
                  </li>
                ))}
                <li className="row">
                  <span className="provider-mark">
                    <Icon name="people" />
                  </span>
                  <div className="row-text">
                    <strong>{words.connections.byCode}</strong>
                    <span className="muted">{words.connections.byCodeLead}</span>
                  </div>
                  <a className="button small" href={pagePaths.link} aria-label={words.connections.byCode}>
                    {words.connections.connectShort}
                  </a>
                </li>
              </ul>
            </section>
            <MergeAccounts providers={connect} />
          </>
        )}
      </Shown>
      {leaving === null ? null : (
        <ConfirmDialog
          title={words.connections.question(identityName(leaving))}
          text={words.connections.what}
          cancel={words.cancel}
          confirm={words.connections.disconnect}
          onCancel={() => setLeaving(null)}
          onConfirm={() => {
            const { provider, issuer, subject } = leaving
            setLeaving(null)
            void submission.run(async () => {
              await accountApi.disconnect({ provider, issuer, subject })
              await connections.reload()
            })
          }}
        />
      )}
    </>
  )
}

/** For people who signed in by two ways and so have two accounts. */
function MergeAccounts({ providers }: { providers: readonly SignInProvider[] }) {
  const submission = useSubmission()
  const [chosen, setChosen] = useState<SignInProvider | null>(null)
  const merge = words.connections.merge
  return (
    <section className="settings-section">
      <h2>{merge.title}</h2>
      <p className="muted">{merge.lead}</p>
      <Form
        submit={merge.submit}
        submission={submission}
        done={merge.done}
        onSubmit={async (value, form) => {
          await accountApi.merge({ email: value('email'), password: value('password') })
          form.reset()
        }}
      >
        <Field label={merge.email} name="email" type="email" autoComplete="off" required maxLength={254} />
        <Field label={merge.password} name="password" type="password" autoComplete="off" required maxLength={200} />
      </Form>
      <ul className="rows">
        {providers.map((provider) => (
          <li key={provider.id} className="row">
            <ProviderMark kind={provider.kind} />
            <div className="row-text">
              <strong>{provider.label}</strong>
            </div>
            <button
              type="button"
              className="button small"
              aria-label={merge.byProvider(provider.label)}
              onClick={() => setChosen(provider)}
            >
              {merge.short}
            </button>
          </li>
        ))}
      </ul>
      {chosen === null ? null : (
        <ConfirmDialog
          title={merge.question(chosen.label)}
          text={merge.what}
          cancel={words.cancel}
          confirm={merge.confirm}
          onCancel={() => setChosen(null)}
          onConfirm={() => location.assign(mergeUrl(chosen.id))}
        />
      )}
    </section>
  )
}

const LOOK_EVERY_MS = 1_500

type Linking = Extract<LinkState, { label: string }>

/**
 * The page shows a code, the chat account types it and agrees there, and the page agrees last: neither side can be talked into
 * somebody else's account by a code alone.
 */
export function LinkFromChat() {
  const [code, setCode] = useState<LinkCode | null>(null)
  const [found, setFound] = useState<Linking | null>(null)
  const [told, setTold] = useState<string | null>(null)
  const submission = useSubmission()

  useEffect(() => {
    if (code === null) return
    const look = () =>
      accountApi.linkState().then(
        (now) => {
          if ('label' in now) setFound(now)
          else if (now.state === 'none') {
            setCode(null)
            setFound(null)
            setTold(words.link.expired)
          }
        },
        // Asked again in a moment.
        () => undefined,
      )
    const timer = setInterval(() => void look(), LOOK_EVERY_MS)
    return () => clearInterval(timer)
  }, [code])

  const end = (action: () => Promise<unknown>, text: string) => {
    if (submission.busy) return
    void submission.run(async () => {
      await action()
      setCode(null)
      setFound(null)
      setTold(text)
    })
  }

  return (
    <>
      <p className="lead">{words.link.lead}</p>
      <ol className="steps">
        {words.link.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <Failure text={submission.error} />
      {code === null || found !== null ? null : (
        <div className="secret">
          <CopyLine label={words.link.line} text={words.link.command(code.code)} />
          <p className="muted">
            {words.link.until(words.time(code.expiresAt))} {words.link.secret}
          </p>
        </div>
      )}
      {found === null ? null : (
        <section className="secret" aria-label={found.label}>
          <strong dir="auto">{found.label}</strong>
          {found.state === 'typed' ? <p>{words.link.typed}</p> : <p>{words.link.question}</p>}
          {found.joins === null ? null : <p>{words.link.joins(found.joins)}</p>}
          <div className="form-actions">
            {found.state === 'agreed' ? (
              <button
                type="button"
                className="button primary"
                onClick={() => end(accountApi.confirmLink, words.link.done(found.label))}
              >
                {words.link.confirm}
              </button>
            ) : null}
            <button type="button" className="button" onClick={() => end(accountApi.refuseLink, words.link.refused)}>
              {words.link.refuse}
            </button>
          </div>
        </section>
      )}
      <p role="status" className={told === null ? 'muted' : 'form-done'}>
        {told ?? (code === null || found !== null ? null : words.link.waiting)}
      </p>
      {found === null ? (
        <button
          type="button"
          className={code === null ? 'button primary' : 'button'}
          onClick={() => {
            if (submission.busy) return
            void submission.run(async () => {
              setTold(null)
              setCode(await accountApi.linkCode())
            })
          }}
        >
          {code === null ? words.link.get : words.link.another}
        </button>
      ) : null}
    </>
  )
}
