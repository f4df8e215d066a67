/** `parley discord …`: invites the bot and registers its commands. */

import { type Command, InvalidArgumentError } from 'commander'
import type { Setup } from '../../adapters/discord/setup.ts'
import { commandSpecs } from '../admin/specs.ts'
import { type Config, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import { configurationWording } from '../wording/startup.ts'
import { terminalWording } from '../wording/terminal.ts'

async function discordSetup(config: Pick<Config, 'discord'>): Promise<Setup> {
  if (config.discord === undefined) throw new ParleyError('config_invalid', configurationWording.discordTokenMissing)
  const { createSetup } = await import('../../adapters/discord/setup.ts')
  return createSetup({ ...config.discord, commands: commandSpecs })
}

export const examineDiscord = async () => await (await discordSetup(readConfig())).examine()

export function addDiscordCommands(program: Command): void {
  const discord = program.command('discord').description('set up the Discord application')

  discord
    .command('invite')
    .description('print the link that adds Parley to a server with the permissions it needs')
    .action(async () => {
      const { url, permissions, intents } = await (await discordSetup(readConfig())).invite()
      console.log(url)
      console.error(terminalWording.discordPermissions(permissions))
      console.error(terminalWording.discordIntents(intents))
    })

  discord
    .command('register')
    .description('register the commands with Discord; does nothing if they are up to date')
    .option('--guild <id>', 'register in this server only, effective immediately', snowflake)
    .action(async ({ guild }: { guild?: string }) => {
      const { changed, names } = await (await discordSetup(readConfig())).register(guild)
      console.log(terminalWording.discordCommands(changed, names))
    })

  discord
    .command('unregister')
    .description('remove the commands from one server, or those registered everywhere')
    .argument('[server]', 'the id of the server', snowflake)
    .action(async (server?: string) => {
      const { removed } = await (await discordSetup(readConfig())).unregister(server)
      console.log(terminalWording.discordCommandsRemoved(removed, server))
    })
}

function snowflake(text: string): string {
  if (!/^\d{15,20}$/.test(text)) throw new InvalidArgumentError(terminalWording.serverIdNeeded)
  return text
}
