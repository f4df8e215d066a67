/**
 * How far a request came that failed before the provider told what it used: what cost nothing is released, what may have
 * cost is settled by an estimate. Providers keep `status` and `code` on the cause of their errors for this.
 */
import type { ParleyError } from '../core/errors.ts'

/**
 * `nowhere`: no connection came about. `refused`: the server answered with a failure instead of a stream, which no provider
 * charges for. `taken`: the server may have worked on it.
 */
export type Delivery = 'nowhere' | 'refused' | 'taken'

/** Failures of looking a name up, of connecting and of the handshake. */
const noConnection =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_\w+|ERR_TLS_\w+|ERR_INVALID_URL)$/

/** A gateway's time ran out. The model behind it may have worked all the while. */
const gaveUpWaiting = new Set([408, 504, 524])

export function deliveryOf(error: ParleyError): Delivery {
  switch (error.code) {
    case 'model_refused_key':
    case 'model_busy':
    case 'model_rejected_request':
    case 'model_context_overflow':
    case 'model_filtered':
    case 'model_out_of_memory':
    case 'model_unknown':
    case 'transcriber_busy':
    case 'transcriber_refused_key':
      return 'refused'
    case 'transcriber_rejected':
      // An answer that is not understood was worked for.
      return causeOf(error).status === 200 ? 'taken' : 'refused'
    case 'transcriber_unreachable':
    case 'model_unreachable': {
      const { status, code } = causeOf(error)
      if (status !== undefined) return gaveUpWaiting.has(status) ? 'taken' : 'refused'
      return code !== undefined && noConnection.test(code) ? 'nowhere' : 'taken'
    }
    default:
      return 'taken'
  }
}

/** What was found on the way down the causes: an HTTP status, the system's code of a broken connection. */
export function causeOf({ cause }: { cause?: unknown }): { status?: number; code?: string } {
  const found: { status?: number; code?: string } = {}
  let at = cause
  for (let depth = 0; at instanceof Error && depth < 6; depth += 1) {
    if ('status' in at && typeof at.status === 'number') found.status ??= at.status
    if ('code' in at && typeof at.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(at.code)) found.code = at.code
    at = at.cause
  }
  return found
}
