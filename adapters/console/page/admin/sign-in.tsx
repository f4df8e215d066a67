/** `/admin/sign-in`: the providers of parley.yaml, and a trial of each. */
import { useEffect, useState } from 'react'
import { adminWording } from '../../../../src/wording/account.ts'
import type { ConfiguredProvider, ProviderTrial } from '../../account-api.ts'
import { CopyLine } from '../account/copy-line.tsx'
import { Failure, problemHere, Shown, useLoaded, useSubmission } from '../account/form.tsx'
import { ProviderMark } from '../account/provider-mark.tsx'
import type { ScreenProps } from '../account/settings.tsx'
import { account } from '../lib/account.ts'
import { useStore } from '../lib/store.ts'
import { Icon } from '../parts/icon.tsx'
import { adminApi, tryUrl } from './api.ts'

const words = adminWording.signIn

export function SignInSettings(_: ScreenProps) {
  const providers = useLoaded(adminApi.providers)
  const state = useStore(account, ({ state }) => state)
  return (
    <>
      <p className="lead">
        {words.lead} {words.how}
      </p>
      <Failure text={problemHere()} />
      <dl className="facts">
        <div>
          <dt>{words.password}</dt>
          <dd>{words.passwordOn}</dd>
        </div>
        <div>
          <dt>{words.inviteOnly}</dt>
          <dd>
            {state?.providers.length === 0
              ? words.noProviders
              : state?.inviteOnly
                ? words.inviteOnlyOn
                : words.inviteOnlyOff}
          </dd>
        </div>
      </dl>
      <Shown of={providers}>
        {(all) =>
          all.length === 0 ? (
            <p className="muted">{words.none}</p>
          ) : (
            all.map((provider) => <Provider key={provider.id} provider={provider} onTried={providers.reload} />)
          )
        }
      </Shown>
    </>
  )
}

function Provider({ provider, onTried }: { provider: ConfiguredProvider; onTried(): Promise<void> }) {
  const [trial, setTrial] = useState<ProviderTrial | null>(null)
  const submission = useSubmission()
  const tryIt = () =>
    submission.run(async () => {
      setTrial(await adminApi.tryProvider(provider.id))
      await onTried()
    })
  const state = trial === null ? provider.state : trial.checks.every(({ ok }) => ok) ? 'ready' : 'failing'
  // Back from a trial of the sign-in: show at once which claims came.
  const tried = new URLSearchParams(location.search).get('tried') === provider.id
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the screen opens
  useEffect(() => {
    if (tried) void tryIt()
  }, [])
  return (
    <section className="settings-section provider-section">
      <h2>
        <ProviderMark kind={provider.kind} />
        <span dir="auto">{provider.label}</span>
        <span className={`badge ${state}`}>{words[state]}</span>
      </h2>
      {provider.userMessage === null ? null : <Failure text={provider.userMessage} />}
      <dl className="facts">
        <div>
          <dt>{words.issuer}</dt>
          <dd className="address">{provider.issuer}</dd>
        </div>
      </dl>
      {provider.redirectUri === '' ? null : <CopyLine label={words.redirect} text={provider.redirectUri} />}
      <Failure text={submission.error} />
      {trial === null ? null : <Trial trial={trial} />}
      <div className="form-actions">
        <button
          type="button"
          className="button"
          aria-label={`${words.try}: ${provider.label}`}
          aria-busy={submission.busy}
          aria-disabled={submission.busy}
          onClick={() => {
            if (!submission.busy) void tryIt()
          }}
        >
          {submission.busy ? words.trying : words.try}
        </button>
        <a className="button" href={tryUrl(provider.id)} aria-label={`${words.trySignIn}: ${provider.label}`}>
          {words.trySignIn}
        </a>
      </div>
    </section>
  )
}

function Trial({ trial }: { trial: ProviderTrial }) {
  return (
    <div className="trial" role="status">
      <ul>
        {trial.checks.map(({ name, ok, text }) => (
          <li key={name} className={ok ? 'ok' : 'wrong'}>
            <Icon name={ok ? 'check' : 'warn'} />
            <div>
              <strong>{name}</strong>
              <span className="visually-hidden"> {ok ? words.ok : words.wrong}</span>
              <p>{text}</p>
            </div>
          </li>
        ))}
      </ul>
      <p className="muted">
        {trial.claims.length === 0 ? words.noClaims : `${words.claims}: ${trial.claims.join(', ')}`}
      </p>
    </div>
  )
}
