/** What may answer a question, by the rules of its channel and workspace. Models are named `provider/id`, as in settings. */
import { policyWording } from '../wording/routing.ts'

export interface Policy {
  /** Only local models: questions do not leave your network. */
  localOnly: boolean
  /** Absent: every model. */
  allowed?: readonly string[]
  disabled: readonly string[]
  /** When a budget does not hold what a model can cost: try a cheaper one, or refuse. */
  atLimit: 'cheaper' | 'refuse'
}

export const openPolicy: Policy = { localOnly: false, disabled: [], atLimit: 'cheaper' }

/** The rules that restrict something, as sentences. */
export function describePolicy({ localOnly, allowed, disabled, atLimit }: Policy): string[] {
  return [
    ...(localOnly ? [policyWording.localOnly] : []),
    ...(allowed === undefined ? [] : [policyWording.allowed(allowed)]),
    ...(disabled.length === 0 ? [] : [policyWording.disabled(disabled)]),
    ...(atLimit === 'refuse' ? [policyWording.refuseAtLimit] : []),
  ]
}
