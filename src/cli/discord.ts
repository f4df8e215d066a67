/** `parley discord …`: the invitation and the commands of the Discord application. */
import { type Command, InvalidArgumentError } from 'commander'
import type { Setup } from '../../adapters/discord/setup.ts'
import { commandSpecs } from '../admin/specs.ts'
import { type Config, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'

async function discordSetup(config: Pick<Config, 'discord'>): Promise<Setup> {
  if (config.discord === undefined)
    throw new ParleyError(
      'config_invalid',
      'DISCORD_TOKEN is not set. It stands on the Bot page of your application in the Discord developer portal.',
    )
  const { createSetup } = await import('../../adapters/discord/setup.ts')
  return createSetup({ ...config.discord, commands: commandSpecs })
}

export const examineDiscord = async () => await (await discordSetup(readConfig())).examine()

export function addDiscordCommands(program: Command): void {
  const discord = program.command('discord').description('set up the Discord application')

  discord
    .command('invite')
    .description('print the link that adds Parley to a server, with the permissions it needs and no others')
    .action(async () => {
      const { url, permissions, intents } = await (await discordSetup(readConfig())).invite()
      console.log(url)
      console.error(`It asks for: ${permissions.join(', ')}.`)
      console.error(`Switch on in the developer portal, on the Bot page: ${intents.join(', ')} Intent.`)
    })

  discord
    .command('register')
    .description('make the commands known to Discord; changes nothing when nothing changed')
    .option('--guild <id>', 'in this server alone, at once, instead of everywhere', snowflake)
    .action(async ({ guild }: { guild?: string }) => {
      const { changed, names } = await (await discordSetup(readConfig())).register(guild)
      console.log(`${changed ? 'Registered' : 'Nothing changed'}: ${names.join(', ')}`)
    })
}

function snowflake(text: string): string {
  if (!/^\d{15,20}$/.test(text))
    throw new InvalidArgumentError("Give the server's id, a number: right-click the server, Copy Server ID.")
  return text
}
