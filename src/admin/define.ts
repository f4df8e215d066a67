/** The form of a command: name, arguments, role, examples and handler. The files in commands/ are written with it. */
import { z } from 'zod'
import type { ArgumentSpec, CommandCall, CommandSpec, Notice, Role } from '../core/command.ts'
import { usd } from '../core/money.ts'
import type { Changer } from '../core/person.ts'
import type { Spender } from '../core/scope.ts'
import { commandWording, type ScopeNames } from '../wording/commands.ts'
import type { Grants } from './grants.ts'
import { mention } from './line.ts'
import { type Place, readPlace } from './place.ts'

/** One call, as handlers see it. */
export interface Caller {
  call: CommandCall
  spender: Spender
  grants: Grants
  /** How people know the scopes of keys, people and teams. */
  names: ScopeNames
  /** Whose account this is, on the platform of the call. */
  personIdOf(userId: string): Promise<string | undefined>
  /** For the audit log. */
  by: Changer
}

export interface Answer extends Notice {
  /** The answer to the same call delivered again, where the text itself must not be stored. */
  again?: string
}

export interface Argument<T> {
  type: ArgumentSpec['type']
  summary: string
  required: boolean
  choices?: readonly string[]
  /** Its error message completes "must be …". */
  schema: z.ZodType<T>
  /** Values to suggest while typing. */
  suggest?: (caller: Pick<Caller, 'spender'> & { grants(): Promise<Grants> }) => Promise<string[]>
}

type Values<Args> = { [Name in keyof Args]: Args[Name] extends Argument<infer T> ? T : never }

export interface Command extends CommandSpec {
  /** It has an effect, so a call that is delivered twice must run once. */
  changes: boolean
  arguments: Readonly<Record<string, Argument<unknown>>>
  /** `given` as typed, by the argument's name. */
  run(given: Readonly<Record<string, unknown>>, caller: Caller): Promise<Answer>
}

export function define<const Args extends Record<string, Argument<unknown>>>(command: {
  name: string
  summary: string
  role: Role
  asks?: true
  changes?: boolean
  args: Args
  examples: readonly [string, ...string[]]
  run(values: Values<Args>, caller: Caller): Promise<Answer>
}): Command {
  const { args, changes = false, ...rest } = command
  const specs = Object.entries(args).map(([name, { type, summary, required, choices }]) => ({
    name,
    summary,
    required,
    type,
    choices,
  }))
  return {
    ...rest,
    changes,
    arguments: args,
    args: specs,
    run: (given, caller) => command.run(given as Values<Args>, caller),
  }
}

const { wanted } = commandWording

const plain = (type: ArgumentSpec['type'], summary: string) => ({ type, summary, required: true })
const text = (most: number) => z.string().min(1, wanted.text).max(most, wanted.atMost(most))

/** Amounts, as people type them: `20`, `$20`, `20.50`, `0,5`. */
const Amount = z.string().transform((typed, context) => {
  try {
    return usd(typed.replace(/^\$|\s*(?:usd|\$)$/gi, '').replace(/^(\d+),(\d{1,2})$/, '$1.$2'))
  } catch {
    context.addIssue(wanted.usd)
    return z.NEVER
  }
})
const on = /^(?:on|yes|true)$/i
const off = /^(?:off|no|false)$/i

export const arg = {
  word: (summary: string, most = 200): Argument<string> => ({ ...plain('word', summary), schema: text(most) }),
  rest: (summary: string, most = 8000): Argument<string> => ({ ...plain('rest', summary), schema: text(most) }),
  model: (summary = 'A model, by name or alias'): Argument<string> => ({
    ...plain('model', summary),
    schema: text(200),
  }),
  usd: (summary = 'An amount in USD'): Argument<bigint> => ({ ...plain('usd', summary), schema: Amount }),
  number: (summary: string, least: number, most: number, whole = true): Argument<number> => ({
    ...plain('number', summary),
    schema: z.coerce
      .number(wanted.number)
      .refine(
        (value) => (!whole || Number.isInteger(value)) && value >= least && value <= most,
        wanted.between(whole, least, most),
      ),
  }),
  choice: <const Values extends readonly [string, ...string[]]>(
    summary: string,
    choices: Values,
  ): Argument<Values[number]> => ({
    ...plain('choice', summary),
    choices,
    schema: z
      .string()
      .toLowerCase()
      .pipe(z.enum(choices, wanted.oneOf(choices))),
  }),
  onOff: (summary: string): Argument<boolean> => ({
    ...plain('choice', summary),
    choices: ['on', 'off'],
    schema: z
      .string()
      .refine((typed) => on.test(typed) || off.test(typed), wanted.onOff)
      .transform((typed) => on.test(typed)),
  }),
  /** Present or not. */
  flag: (summary: string): Argument<boolean> => ({
    ...plain('switch', summary),
    required: false,
    schema: z
      .string()
      .optional()
      .transform((typed) => typed !== undefined && !off.test(typed)),
  }),
  person: (summary = "A mention, or the platform's id of the person"): Argument<string> => ({
    ...plain('person', summary),
    schema: text(200).transform((typed) => mention(typed)?.id ?? typed.replace(/^@/, '')),
  }),
  place: (summary = 'Where; by default, the widest place that you can change'): Argument<Place> => ({
    ...plain('word', summary),
    schema: z.string().transform((typed, context) => {
      const place = readPlace(typed)
      if (place !== undefined) return place
      context.addIssue(wanted.place)
      return z.NEVER
    }),
    suggest: async () => ['channel', 'workspace', 'everywhere', 'me'],
  }),
  optional: <T>(argument: Argument<T>): Argument<T | undefined> => ({
    ...argument,
    required: false,
    schema: argument.schema.optional(),
  }),
}
