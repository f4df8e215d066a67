/** The screens before anybody is signed in, and the dialog over a thread whose session has ended. */
import './account.css'
import { type ReactNode, useEffect, useId } from 'react'
import { accountWording as words } from '../../../../src/wording/account.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { SessionState } from '../../account-api.ts'
import { pagePaths, type Route, safeReturn } from '../../paths.ts'
import { leave, refreshAccount, signOut, takeAccount } from '../lib/account.ts'
import { navigate } from '../lib/route.ts'
import { ServerFailure } from '../lib/server.ts'
import { useModal } from '../parts/confirm-dialog.tsx'
import { Mark } from '../parts/icon.tsx'
import { accountApi, providerUrl } from './api.ts'
import { Failure, Field, Form, problemHere, Shown, useLoaded, useSubmission } from './form.tsx'
import { ProviderMark } from './provider-mark.tsx'

export function Entrance({ state, route }: { state: SessionState; route: Route }) {
  if (route.screen === 'invite') return <Invitation code={route.param} state={state} />
  if (!state.setUp) return <SetUp state={state} />
  if (route.screen === 'setUp') return <AlreadySetUp signedIn={state.person !== null} />
  return <SignIn state={state} />
}

function Screen({ title, heading, children }: { title: string; heading: string; children: ReactNode }) {
  useEffect(() => {
    document.title = pageWording.app.title(title)
  }, [title])
  return (
    <main className="entrance">
      <div className="entrance-card">
        <Mark />
        <h1>{heading}</h1>
        {children}
      </div>
    </main>
  )
}

function SignIn({ state }: { state: SessionState }) {
  const asked = new URLSearchParams(location.search)
  const here = safeReturn(location.pathname)
  const returnTo = here === pagePaths.signIn ? safeReturn(asked.get('returnTo')) : here
  return (
    <Screen title={words.signIn.title} heading={words.signIn.heading}>
      <Failure text={problemHere()} />
      <SignInWays state={state} returnTo={returnTo} />
      {state.inviteOnly ? <p className="entrance-note">{words.signIn.invited}</p> : null}
    </Screen>
  )
}

/** Links to providers above the form for a password. */
function Ways(props: {
  state: SessionState
  label(provider: string): string
  href(provider: string): string
  children: ReactNode
}) {
  const { providers } = props.state
  return (
    <>
      {providers.length === 0 ? null : (
        <ul className="providers">
          {providers.map(({ id, kind, label }) => (
            <li key={id}>
              <a className="button provider" href={props.href(id)}>
                <ProviderMark kind={kind} />
                {props.label(label)}
              </a>
            </li>
          ))}
        </ul>
      )}
      {providers.length === 0 ? null : <p className="or">{words.signIn.or}</p>}
      {props.children}
    </>
  )
}

/** After a sign-in by password, the screen of the current address opens by itself. */
function SignInWays({ state, returnTo, email }: { state: SessionState; returnTo: string; email?: string | null }) {
  const submission = useSubmission()
  return (
    <Ways state={state} label={words.signIn.with} href={(provider) => providerUrl(provider, { returnTo })}>
      <Form
        submit={words.signIn.submit}
        submission={submission}
        className="wide"
        onSubmit={async (value) =>
          takeAccount(await accountApi.signIn({ email: value('email'), password: value('password') }))
        }
      >
        <Field
          label={words.field.email}
          name="email"
          type="email"
          autoComplete="username"
          defaultValue={email ?? ''}
          autoFocus={!email}
          required
        />
        <Field
          label={words.field.password}
          name="password"
          type="password"
          autoComplete="current-password"
          autoFocus={Boolean(email)}
          required
        />
      </Form>
      <p className="entrance-note">{words.signIn.forgotten}</p>
    </Ways>
  )
}

export function SignInDialog({ state }: { state: SessionState }) {
  const heading = useId()
  const dialog = useModal()
  useEffect(() => dialog.current?.querySelector<HTMLInputElement>('input[type=password]')?.focus(), [dialog])
  return (
    <dialog
      ref={dialog}
      className="dialog sign-in-dialog"
      aria-labelledby={heading}
      onCancel={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        // A second Esc would close it in spite of `onCancel`.
        if (event.key === 'Escape') event.preventDefault()
      }}
    >
      <h2 id={heading}>{words.signIn.ended}</h2>
      <p>{words.signIn.endedWhat}</p>
      <SignInWays state={state} returnTo={safeReturn(location.pathname)} email={state.person?.email ?? null} />
      <p className="entrance-note">
        <button type="button" className="link-button" onClick={() => leave(pagePaths.signIn)}>
          {words.signIn.notThem}
        </button>
      </p>
    </dialog>
  )
}

/** Name, address and a new password: what every account that signs in by password begins with. */
function NewAccount({
  state,
  invited,
}: {
  state: SessionState
  invited?: { name: string | null; email: string | null }
}) {
  return (
    <>
      <Field
        label={words.field.name}
        name="name"
        autoComplete="name"
        maxLength={100}
        defaultValue={invited?.name ?? ''}
        required
      />
      <Field
        label={words.field.email}
        name="email"
        type="email"
        autoComplete="username"
        maxLength={254}
        defaultValue={invited?.email ?? ''}
        required
      />
      <PasswordField state={state} />
    </>
  )
}

function PasswordField({ state }: { state: SessionState }) {
  return (
    <Field
      label={words.field.password}
      name="password"
      type="password"
      autoComplete="new-password"
      hint={words.field.passwordHint(state.minPasswordLength)}
      minLength={state.minPasswordLength}
      required
    />
  )
}

function SetUp({ state }: { state: SessionState }) {
  const submission = useSubmission()
  const { local } = state
  return (
    <Screen title={words.setUp.title} heading={local ? words.setUp.headingLocal : words.setUp.heading}>
      <p className="entrance-lead">{local ? words.setUp.leadLocal : words.setUp.lead}</p>
      <Form
        submit={words.setUp.submit}
        submission={submission}
        className="wide"
        actions={
          local ? (
            <a className="button" href={pagePaths.home}>
              {words.setUp.back}
            </a>
          ) : null
        }
        onSubmit={async (value) => {
          const code = local ? undefined : value('code').trim()
          const body = { code, name: value('name'), email: value('email'), password: value('password') }
          try {
            takeAccount(await accountApi.setUp(body), true)
          } catch (cause) {
            // Somebody was first: from now on the screen is the sign-in.
            if (cause instanceof ServerFailure && cause.status === 409) await refreshAccount()
            throw cause
          }
          navigate(pagePaths.people, 'replace')
        }}
      >
        {local ? null : (
          <Field
            label={words.field.code}
            name="code"
            autoComplete="one-time-code"
            spellCheck={false}
            autoCapitalize="off"
            defaultValue={location.hash.slice(1) || (new URLSearchParams(location.search).get('code') ?? '')}
            hint={words.setUp.codeHint}
            required
          />
        )}
        <NewAccount state={state} />
        {local ? <p className="field-hint">{words.setUp.after}</p> : null}
      </Form>
    </Screen>
  )
}

function AlreadySetUp({ signedIn }: { signedIn: boolean }) {
  return (
    <Screen title={words.setUp.title} heading={words.setUp.done}>
      <p className="entrance-lead">{words.setUp.doneWhat}</p>
      <a className="button primary" href={signedIn ? pagePaths.home : pagePaths.signIn}>
        {signedIn ? words.invite.stay : words.setUp.signIn}
      </a>
    </Screen>
  )
}

function Invitation({ code, state }: { code: string; state: SessionState }) {
  const invited = useLoaded(() => accountApi.invited(code), code)
  const submission = useSubmission()
  if (state.person !== null) return <InvitedWhileSignedIn name={state.person.name} />
  if (invited.status === 403) {
    return (
      <Screen title={words.invite.title} heading={words.invite.gone}>
        <p className="entrance-lead">{words.invite.goneWhat}</p>
        <a className="button" href={pagePaths.signIn}>
          {words.setUp.signIn}
        </a>
      </Screen>
    )
  }
  if (invited.data === null) {
    return invited.error === null ? null : (
      <Screen title={words.invite.title} heading={words.invite.heading}>
        <Shown of={invited}>{() => null}</Shown>
      </Screen>
    )
  }
  if (invited.data.resets) return <NewPassword code={code} state={state} email={invited.data.email} />
  const { team, role } = invited.data
  return (
    <Screen title={words.invite.title} heading={team === null ? words.invite.heading : words.invite.headingTeam(team)}>
      <p className="entrance-lead">{words.invite.lead(role)}</p>
      <Failure text={problemHere()} />
      <Ways state={state} label={words.invite.with} href={(provider) => providerUrl(provider, { invitation: code })}>
        <Form
          submit={words.invite.submit}
          submission={submission}
          className="wide"
          onSubmit={async (value) => {
            const body = { name: value('name'), email: value('email'), password: value('password') }
            takeAccount(await accountApi.accept(code, body))
            navigate(pagePaths.home, 'replace')
          }}
        >
          <NewAccount state={state} invited={invited.data} />
        </Form>
      </Ways>
    </Screen>
  )
}

/** For somebody who has an account: an admin made this link because the password was forgotten. */
function NewPassword({ code, state, email }: { code: string; state: SessionState; email: string | null }) {
  const submission = useSubmission()
  return (
    <Screen title={words.invite.title} heading={words.invite.headingReset}>
      <p className="entrance-lead">{words.invite.leadReset}</p>
      <Form
        submit={words.invite.submitReset}
        submission={submission}
        className="wide"
        onSubmit={async (value) => {
          takeAccount(await accountApi.accept(code, { password: value('password') }))
          navigate(pagePaths.home, 'replace')
        }}
      >
        {email === null ? null : (
          <Field label={words.field.email} type="email" autoComplete="username" value={email} readOnly required />
        )}
        <PasswordField state={state} />
      </Form>
    </Screen>
  )
}

function InvitedWhileSignedIn({ name }: { name: string }) {
  const submission = useSubmission()
  return (
    <Screen title={words.invite.title} heading={words.invite.signedIn(name)}>
      <p className="entrance-lead">{words.invite.signedInWhat}</p>
      <Failure text={submission.error} />
      <div className="form-actions">
        <a className="button primary" href={pagePaths.home}>
          {words.invite.stay}
        </a>
        <button type="button" className="button" onClick={() => void submission.run(() => signOut(location.pathname))}>
          {words.invite.signOut}
        </button>
      </div>
    </Screen>
  )
}
