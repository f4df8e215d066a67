/** Servers of one API support different parameters. A parameter that a server rejects is left out, and the request is sent again. */
import type { Log } from '../../core/log.ts'
import { rejectedParameter } from './failure.ts'

export interface ParameterFilter<Parameter extends string> {
  /** Sends without the parameters that the server has rejected for this model, and learns from each rejection. */
  send(model: string, request: (without: ReadonlySet<Parameter>) => Promise<Response>): Promise<Response>
}

export function createParameterFilter<Parameter extends string>(
  provider: string,
  parameters: readonly Parameter[],
  log: Log,
): ParameterFilter<Parameter> {
  const refused = new Map<string, Set<Parameter>>()
  return {
    async send(model, request) {
      const known = refused.get(model) ?? new Set<Parameter>()
      refused.set(model, known)
      for (;;) {
        // Other requests may learn something while this one is on its way.
        const without = new Set(known)
        try {
          return await request(without)
        } catch (thrown) {
          const parameter = rejectedParameter(thrown, parameters)
          if (parameter === undefined || without.has(parameter)) throw thrown
          known.add(parameter)
          log.info({ provider, model, without: [...known] }, 'model server rejected a parameter; sent again without it')
        }
      }
    },
  }
}
