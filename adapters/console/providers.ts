/** The way to a sign-in provider and back: sign-in, invitations, connecting an account, and "Try it". See account-api.ts. */
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import { type Finished, flowSeconds, type Purpose } from '../../src/identity/flows.ts'
import type { SignInProvider } from '../../src/identity/provider.ts'
import { sessionDays } from '../../src/identity/sessions.ts'
import { requestWording } from '../../src/wording/requests.ts'
import { providerCheckWording, signInProblemOf, signInProblems } from '../../src/wording/sign-in-flows.ts'
import { type Accounts, personOf } from './account.ts'
import type { ConfiguredProvider, ProviderTrial } from './account-api.ts'
import { pagePaths, safeReturn } from './paths.ts'

export type ProviderRoutes = Pick<Accounts, 'flows' | 'people' | 'sessions' | 'cookies' | 'addressOf' | 'baseUrlOf'>

export function providerRoutes({ flows, people, sessions, cookies, addressOf, baseUrlOf }: ProviderRoutes): Route[] {
  function providerOf(context: HttpContext): SignInProvider {
    const provider = flows.find(context.req.param('provider') ?? '')
    if (provider === undefined) throw new ParleyError('address_unknown', requestWording.nothingHere)
    return provider
  }

  function redirectUriOf(context: HttpContext, { settings }: SignInProvider): string | undefined {
    const base = baseUrlOf(context.env.incoming)
    return base === undefined ? undefined : new URL(`/console/sign-in/${settings.id}/callback`, base).href
  }

  /** Sends the browser to the provider, or back with the problem. */
  async function leave(
    context: HttpContext,
    purpose: Purpose,
    { returnTo, invitation }: { returnTo: string; invitation?: string | undefined },
  ): Promise<Response> {
    const provider = providerOf(context)
    if (isOnlyLooking(context)) return context.body(null, 204)
    try {
      const redirectUri = redirectUriOf(context, provider)
      if (redirectUri === undefined)
        throw new ParleyError('sign_in_provider_misconfigured', signInProblems.sign_in_provider_misconfigured)
      const { url, cookie } = await flows.begin(provider, purpose, { redirectUri, returnTo, invitation })
      context.header('set-cookie', cookies.set(context.env.incoming, 'flow', cookie, flowSeconds))
      return context.redirect(url.href, 303)
    } catch (thrown) {
      if (!(thrown instanceof ParleyError) || signInProblemOf(thrown.code) === undefined) throw thrown
      return context.redirect(placeOf(purpose.kind, thrown.code, { invitation, returnTo }), 303)
    }
  }

  async function comeBack(context: HttpContext): Promise<Response> {
    const { incoming } = context.env
    // The answer is in the address.
    context.header('referrer-policy', 'no-referrer')
    if (isOnlyLooking(context)) return context.body(null, 204)
    const before = cookies.read(incoming, 'session')
    const signedIn = before === undefined ? null : await sessions.find(before)
    const provider = context.req.param('provider') ?? ''
    const finished = await flows.finish({
      provider,
      parameters: new URL(incoming.url ?? '/', 'http://localhost').searchParams,
      cookie: cookies.read(incoming, 'flow'),
      signedIn,
      from: { userAgent: context.req.header('user-agent') ?? '', address: addressOf(incoming) ?? '' },
    })
    // A forged answer must not end the sign-in that this browser began.
    if (finished.kind !== 'refused' || finished.problem !== 'sign_in_forged')
      context.header('set-cookie', cookies.clear(incoming, 'flow'))
    if (finished.kind === 'entered') {
      if (signedIn !== null) await sessions.end(signedIn.personId, signedIn.sessionId)
      const cookie = cookies.set(incoming, 'session', finished.secret, sessionDays * 86_400)
      context.header('set-cookie', cookie, { append: true })
    }
    return context.redirect(whereTo(finished, provider), 303)
  }

  async function configured(context: HttpContext, provider: SignInProvider): Promise<ConfiguredProvider> {
    const { id, label, kind, issuer } = provider.settings
    const redirectUri = redirectUriOf(context, provider)
    const state = provider.state()
    const userMessage = redirectUri === undefined ? providerCheckWording.redirectUnknown : null
    return {
      ...{ id, label, kind, issuer, redirectUri: redirectUri ?? '' },
      state: redirectUri === undefined ? 'failing' : state.is,
      userMessage: userMessage ?? (state.is === 'failing' ? state.userMessage : null),
    }
  }

  const access = ['admin'] as const
  return [
    {
      method: 'GET',
      path: '/console/sign-in/:provider',
      access: ['signIn'],
      async handle(context) {
        const invitation = context.req.query('invitation')?.slice(0, 100)
        if (!(await people.areSetUp())) return context.redirect(pagePaths.setUp, 303)
        const returnTo = safeReturn(context.req.query('returnTo') ?? null)
        const purpose = { kind: invitation === undefined ? 'signIn' : 'invitation' } as const
        return await leave(context, purpose, { returnTo, invitation })
      },
    },
    {
      method: 'GET',
      path: '/console/sign-in/:provider/callback',
      access: ['signIn'],
      handle: comeBack,
    },
    {
      method: 'GET',
      path: '/console/me/connect/:provider',
      // The gate refuses what another site begins: it could connect an account of its own.
      access: ['page'],
      async handle(context) {
        const { personId } = personOf(context)
        return await leave(context, { kind: 'connect', personId }, { returnTo: pagePaths.connections })
      },
    },
    {
      method: 'GET',
      path: '/console/me/merge/:provider',
      access: ['page'],
      async handle(context) {
        const { personId } = personOf(context)
        return await leave(context, { kind: 'merge', personId }, { returnTo: pagePaths.connections })
      },
    },
    {
      method: 'GET',
      path: '/console/admin/sign-in',
      access,
      async handle(context) {
        return context.json({
          providers: await Promise.all(flows.providers.map((provider) => configured(context, provider))),
        })
      },
    },
    {
      method: 'POST',
      path: '/console/admin/sign-in/:provider/try',
      access,
      body: { maxBytes: 1000 },
      async handle(context) {
        const provider = providerOf(context)
        const redirectUri = redirectUriOf(context, provider)
        const checks = await provider.examine()
        checks.push({
          name: 'redirect',
          ok: redirectUri !== undefined,
          userMessage:
            redirectUri === undefined
              ? providerCheckWording.redirectUnknown
              : providerCheckWording.redirect(redirectUri),
        })
        const trial: ProviderTrial = {
          checks: checks.map(({ name, ok, userMessage }) => ({
            name: providerCheckWording.names[name],
            ok,
            text: userMessage,
          })),
          claims: (await flows.claimsOf(provider.settings.id)) ?? [],
        }
        return context.json(trial)
      },
    },
    {
      method: 'GET',
      path: '/console/admin/sign-in/:provider/try',
      access,
      handle: (context) => leave(context, { kind: 'try' }, { returnTo: pagePaths.adminSignIn }),
    },
  ]
}

/** A preview or a prefetch, which must not use up an answer. */
function isOnlyLooking({ req }: HttpContext): boolean {
  return req.method === 'HEAD' || req.header('sec-purpose')?.includes('prefetch') === true
}

function whereTo(finished: Finished, provider: string): string {
  if (finished.kind === 'refused') return placeOf(finished.purpose, finished.problem, finished)
  return finished.kind === 'tried'
    ? `${finished.returnTo}?${new URLSearchParams({ tried: provider })}`
    : finished.returnTo
}

/** The screen that shows why it did not work. From the sign-in, the next try leads to where the first would have. */
function placeOf(
  purpose: Purpose['kind'],
  problem: string,
  { invitation, returnTo }: { invitation: string | undefined; returnTo: string | undefined },
): string {
  const isCode = invitation !== undefined && /^[\w-]+$/.test(invitation)
  const screens = {
    signIn: pagePaths.signIn,
    invitation: isCode ? pagePaths.invite.replace(':code', invitation) : pagePaths.signIn,
    connect: pagePaths.connections,
    merge: pagePaths.connections,
    try: pagePaths.adminSignIn,
  }
  const query = new URLSearchParams({ problem })
  if (purpose === 'signIn' && returnTo !== undefined && returnTo !== pagePaths.home) query.set('returnTo', returnTo)
  return `${screens[purpose]}?${query}`
}
