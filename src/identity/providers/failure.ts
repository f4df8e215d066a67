/** What the client library and the network throw, as the sentences of a sign-in. */
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'
import { ParleyError } from '../../core/errors.ts'
import { type SignInProblem, signInProblems } from '../../wording/sign-in-flows.ts'

export function problem(code: SignInProblem, cause?: unknown): ParleyError {
  return new ParleyError(code, signInProblems[code], cause === undefined ? {} : { cause })
}

/** A claim that is not what it must be. */
const byClaim: Record<string, SignInProblem> = {
  iss: 'sign_in_issuer_wrong',
  aud: 'sign_in_audience_wrong',
  azp: 'sign_in_audience_wrong',
  nonce: 'sign_in_nonce_wrong',
  exp: 'sign_in_token_expired',
  iat: 'sign_in_token_expired',
  nbf: 'sign_in_token_expired',
}

/** Errors of a token endpoint that name who has to do something: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
const byError: Record<string, SignInProblem> = {
  invalid_grant: 'sign_in_code_invalid',
  // Slack's and GitHub's own words.
  invalid_code: 'sign_in_code_invalid',
  code_already_used: 'sign_in_code_invalid',
  bad_verification_code: 'sign_in_code_invalid',
  temporarily_unavailable: 'sign_in_provider_unreachable',
  server_error: 'sign_in_provider_unreachable',
}

export function translate(thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError) return thrown
  if (thrown instanceof AuthorizationResponseError)
    return problem(thrown.error === 'access_denied' ? 'sign_in_canceled' : refusalOf(thrown.error), thrown)
  if (thrown instanceof ResponseBodyError) return problem(refusalOf(thrown.error), thrown)
  const { code, claim, answer, status, algorithm, attribute } = detailsOf(thrown)
  if (algorithm) return problem('sign_in_token_unsigned', thrown)
  if (claim !== undefined) return problem(byClaim[claim] ?? 'sign_in_answer_incomplete', thrown)
  if (answer !== undefined) return problem(refusalOf(answer), thrown)
  // The user info of somebody else.
  if (attribute === 'sub') return problem('sign_in_answer_incomplete', thrown)
  if (code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') return problem('sign_in_provider_misconfigured', thrown)
  if (status !== undefined && status >= 400 && status < 500) return problem('sign_in_provider_misconfigured', thrown)
  if (isOfLibrary(code) && code !== 'OAUTH_TIMEOUT' && code !== 'OAUTH_RESPONSE_IS_NOT_CONFORM')
    return problem(code === 'OAUTH_INVALID_RESPONSE' ? 'sign_in_answer_incomplete' : 'sign_in_token_unsigned', thrown)
  return problem('sign_in_provider_unreachable', thrown)
}

const refusalOf = (error: string): SignInProblem => byError[error] ?? 'sign_in_provider_misconfigured'
const isOfLibrary = (code: string | undefined) => code?.startsWith('OAUTH_') === true

interface Details {
  code: string | undefined
  claim: string | undefined
  /** The `error` of a body that came with status 200, as GitHub and Slack send it. */
  answer: string | undefined
  status: number | undefined
  /** A signature by an algorithm that the issuer does not use, or none. */
  algorithm: boolean
  attribute: string | undefined
}

/** The library keeps what was wrong in the causes of its error. */
function detailsOf(thrown: unknown): Details {
  const found: Details = {
    code: undefined,
    claim: undefined,
    answer: undefined,
    status: undefined,
    algorithm: false,
    attribute: undefined,
  }
  if (!(thrown instanceof ClientError)) return found
  found.code = thrown.code
  let cause: unknown = thrown.cause
  for (let depth = 0; depth < 5 && typeof cause === 'object' && cause !== null; depth += 1) {
    if (cause instanceof Response) found.status ??= cause.status
    if ('attribute' in cause && typeof cause.attribute === 'string') found.attribute ??= cause.attribute
    if ('header' in cause) found.algorithm = true
    if ('claim' in cause && typeof cause.claim === 'string') found.claim ??= cause.claim
    if ('body' in cause && typeof cause.body === 'object' && cause.body !== null) {
      const { error } = cause.body as { error?: unknown }
      if (typeof error === 'string') found.answer ??= error
    }
    cause = 'cause' in cause ? cause.cause : undefined
  }
  return found
}
