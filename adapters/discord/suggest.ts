/** What Discord offers while somebody types an argument: Parley's own suggestions, asked for with what is typed so far. */
import type { APIApplicationCommandAutocompleteInteraction, APIApplicationCommandOptionChoice } from 'discord.js'
import type { Intake } from '../../src/core/platform.ts'
import { calledCommand, focusedArgument, names } from './commands.ts'
import { authorOfInteraction, placeOfInteraction } from './normalize.ts'

const maxChoices = 25
const maxLength = 100

export async function suggestChoices(
  intake: Pick<Intake, 'suggest' | 'commands'>,
  interaction: APIApplicationCommandAutocompleteInteraction,
): Promise<APIApplicationCommandOptionChoice<string>[]> {
  const wanted = wantedOf(intake, interaction)
  if (wanted === undefined) return []
  const { conversation } = placeOfInteraction(interaction)
  const call = { conversation, author: authorOfInteraction(interaction) }
  const values = await intake.suggest(call, wanted.command, wanted.name, wanted.typed)
  return values
    .filter((value) => value.length <= maxLength)
    .slice(0, maxChoices)
    .map((value) => ({ name: value, value }))
}

function wantedOf({ commands }: Pick<Intake, 'commands'>, { data }: APIApplicationCommandAutocompleteInteraction) {
  const called = calledCommand(commands, data.options)
  const argument = focusedArgument(called)
  if (data.name !== names.ask) return argument && { command: called.name, ...argument }
  // Models are the same wherever one is to be named.
  const [row] = commands.flatMap(({ name, args }) =>
    args.flatMap((arg) => (arg.type === 'model' ? [{ name, arg }] : [])),
  )
  return row && argument && { command: row.name, name: row.arg.name, typed: argument.typed }
}
