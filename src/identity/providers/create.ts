/** A provider of sign-in for each entry of parley.yaml. */
import type { ProviderSettings, SignInProvider } from '../provider.ts'
import type { ProviderDeps } from './deps.ts'
import { createOAuthProvider } from './oauth.ts'
import { createOidcProvider } from './oidc.ts'

export function createProviders(settings: readonly ProviderSettings[], deps: ProviderDeps): SignInProvider[] {
  return settings.map((each) =>
    each.kind === 'github' || each.kind === 'discord'
      ? createOAuthProvider(each, deps)
      : createOidcProvider(each, deps),
  )
}
