/** What may answer a question, by the rules of its channel and workspace. Models are named `provider/id`, as in settings. */

export interface Policy {
  /** Only models on own hardware: what is asked stays in the house. */
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
    ...(localOnly ? ['Only models on own hardware may answer here.'] : []),
    ...(allowed === undefined ? [] : [`Only these models may answer here: ${listed(allowed)}.`]),
    ...(disabled.length === 0 ? [] : [`Disabled here: ${listed(disabled)}.`]),
    ...(atLimit === 'refuse' ? ['At a budget’s limit the question is refused.'] : []),
  ]
}

function listed(names: readonly string[]): string {
  return names.length > 20
    ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more`
    : names.join(', ') || 'none'
}
