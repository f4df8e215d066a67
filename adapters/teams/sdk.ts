/**
 * The SDK's App, one per process: it verifies incoming activities (ingress.ts) and provides the client for outgoing calls
 * (api.ts). It opens no port, reads no environment variables, and logs nothing that people wrote.
 */
import { App, type IHttpServerAdapter } from '@microsoft/teams.apps'
import type { Log } from '../../src/core/log.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { Tokens } from './auth.ts'
import { cloudOf, graphScopeOf, issuerOf, type TeamsSettings } from './settings.ts'

/** The timeout of a request to the connector. */
const requestMs = 20_000

export function createSdk(settings: TeamsSettings, tokens: Tokens, adapter: IHttpServerAdapter, log: Log): App {
  const { clientId, tenantId, unchecked } = settings
  const cloud = cloudOf(settings)
  return new App({
    // Empty, because the SDK would read absent values from CLIENT_ID and CLIENT_SECRET.
    clientId: clientId ?? '',
    clientSecret: '',
    ...omitUndefined({ tenantId }),
    token: async (scope) => (await tokens.get(String(scope))) ?? '',
    cloud: {
      loginEndpoint: (settings.loginUrl ?? cloud.login).replace(/\/+$/, ''),
      loginTenant: tenantId ?? cloud.loginTenant,
      botScope: cloud.botScope,
      tokenServiceUrl: cloud.tokenService,
      openIdMetadataUrl: settings.openIdMetadataUrl ?? cloud.openIdMetadata,
      tokenIssuer: issuerOf(settings),
      graphScope: graphScopeOf(settings),
      agenticIdentityBotScope: cloud.botScope,
    },
    client: { timeout: requestMs, logger: quiet(log) },
    serviceUrl: settings.serviceUrl ?? cloud.service,
    httpServerAdapter: adapter,
    dangerouslyAllowUnauthenticatedRequests: unchecked,
    telemetry: { agent365: false },
    logger: quiet(log),
  })
}

type Logger = NonNullable<NonNullable<ConstructorParameters<typeof App>[0]>['logger']>

/** The SDK passes whole activities to its logger; only its own sentences are kept. */
function quiet(log: Log): Logger {
  const sentence = (said: unknown[]) => {
    const words = said.filter((each) => typeof each === 'string').join(' ')
    return { sdk: words.replaceAll(/[\p{Cc}\s]+/gu, ' ').slice(0, 160) }
  }
  const logger: Logger = {
    error: (...said) => log.warn(sentence(said), 'the Teams SDK reports an error'),
    warn: (...said) => log.debug(sentence(said), 'the Teams SDK warns'),
    info: () => undefined,
    debug: () => undefined,
    trace: () => undefined,
    log: () => undefined,
    child: () => logger,
  }
  return logger
}
