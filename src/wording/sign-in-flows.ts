/** Sentences about signing in at a provider: what went wrong, and what "Try it" found. */

/**
 * THE table of what can go wrong between "Sign in with …" and the page, by code. The address that the browser comes back to has the
 * code alone (`/sign-in?problem=`), and the page shows the sentence.
 */
export const signInProblems = {
  sign_in_provider_unreachable: 'The sign-in provider does not respond. Try again in a moment, or sign in another way.',
  sign_in_provider_misconfigured:
    'Sign-in with this provider is not set up correctly. Ask an admin to open Sign-in in the admin pages and choose "Try it".',
  sign_in_expired:
    'This sign-in took longer than 10 minutes, was already finished, or began in another browser. Sign in again.',
  sign_in_forged: 'This answer does not belong to the sign-in that this browser began. Sign in again from this page.',
  sign_in_canceled:
    'You canceled at the sign-in provider, or it refused you. Sign in again, or ask an admin for access.',
  sign_in_code_invalid: "The provider's code was already used or has expired. Sign in again.",
  sign_in_issuer_wrong:
    'The answer came from another issuer than the one in parley.yaml, so it was refused. Tell an admin.',
  sign_in_audience_wrong: 'The provider signed you in for another app, so it was refused. Tell an admin.',
  sign_in_nonce_wrong: 'The answer belongs to another sign-in, so it was refused. Sign in again from this page.',
  sign_in_token_expired:
    "The provider's answer has expired. If this happens again, an admin should check this server's clock.",
  sign_in_token_unsigned:
    "The provider's signature does not hold, so the answer was refused. Sign in again, or tell an admin.",
  sign_in_answer_incomplete: "The provider's answer does not say who you are, so it was refused. Tell an admin.",
  sign_in_tenant_wrong: 'This account belongs to another organization. Sign in with your account of the right one.',
  sign_in_not_invited: 'New people need an invitation. Ask an admin for one.',
  sign_in_not_allowed: 'This account has no access to this Parley. Ask an admin for an invitation.',
  sign_in_email_unverified:
    'Your provider does not confirm your email address, which decides about access here. Confirm it there, or ask an admin for an invitation.',
  sign_in_groups_unknown:
    'You are in so many groups that your provider did not send them, and they decide about access here. Ask an admin for an invitation.',
  sign_in_invitation_invalid:
    'This invitation is wrong, expired or already used. Ask the person who sent it for a new one.',
  sign_in_account_disabled: 'This account is disabled. Ask an admin to enable it.',
  sign_in_account_taken:
    'This account belongs to another account here. Disconnect it there first, or merge the two accounts below.',
  sign_in_session_changed: 'You signed out or changed accounts meanwhile. Sign in, then connect the account again.',
} as const satisfies Record<string, string>

export type SignInProblem = keyof typeof signInProblems

export const signInProblemOf = (code: string | null | undefined): string | undefined =>
  code != null && Object.hasOwn(signInProblems, code) ? signInProblems[code as SignInProblem] : undefined

/** What "Try it" found. */
export const providerCheckWording = {
  names: {
    discovery: 'Reachable',
    issuer: 'Issuer',
    clock: 'Clock',
    keys: 'Keys',
    redirect: 'Redirect address',
  },
  discovered: (address: string) => `${address} responds.`,
  unreachable: (address: string, reason: string) =>
    `${address} cannot be reached from this server: ${reason}. Check the address and this server's network.`,
  notDiscovery: (address: string, reason: string) =>
    `${address} is not an OpenID Connect configuration: ${reason}. Check the issuer in parley.yaml.`,
  status: (status: number) => `it answers with HTTP status ${status}`,
  issuerSame: (issuer: string) => `The issuer is exactly ${issuer}.`,
  issuerTemplate: (tenants: number) =>
    `The issuer is a template for all organizations. Parley accepts the ${tenants === 1 ? 'tenant' : `${tenants} tenants`} listed in parley.yaml.`,
  issuerDiffers: (found: string, configured: string) =>
    `The provider calls itself ${found}, but parley.yaml says ${configured}. Copy the provider's value exactly.`,
  clockFine: (seconds: number) => `The clocks differ by ${seconds} s, which is fine.`,
  clockOff: (seconds: number) =>
    `The clocks differ by ${seconds} s, so answers look expired. Set this server's clock, for example with NTP.`,
  clockUnknown: 'The provider does not send its time.',
  keysFine: (count: number) => `${count === 1 ? '1 key' : `${count} keys`} to check signatures with.`,
  keysMissing: (reason: string) => `The provider's keys cannot be read: ${reason}. No sign-in can be checked.`,
  redirect: (address: string) => `Register this redirect address at the provider, exactly: ${address}`,
  redirectUnknown: 'PUBLIC_URL is not set, so nobody can be sent back from the provider. Set it.',
  overage: (claim: string) => `${claim} (too many to send)`,
}

/** In the log and the audit, for admins. */
export const claimsWording = {
  overage: 'too many groups to send, so role and teams stay as they were',
  lastAdmin: 'the last admin keeps the role that their groups no longer give',
}
