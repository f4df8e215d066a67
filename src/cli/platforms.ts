/** The table of chat platforms at the command line, and the set-up commands of each. Adapters are loaded when they are needed. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { commandSpecs } from '../admin/specs.ts'
import { type Config, callerFolder, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import type { Replay } from '../core/replay.ts'
import type { Check } from '../ops/doctor.ts'
import { version } from '../version.ts'
import { configurationWording } from '../wording/startup.ts'
import { doctorWording, terminalWording } from '../wording/terminal.ts'

async function slackSetup({ slack }: Pick<Config, 'slack'>) {
  if (slack === undefined) throw new ParleyError('config_invalid', configurationWording.slackTokenMissing)
  const { createSetup } = await import('../../adapters/slack/setup.ts')
  return createSetup(slack)
}

const examineSlack = async () => await (await slackSetup(readConfig())).examine()

/** `parley slack …`: prints the manifest of the Slack app. */
function addSlackCommands(program: Command): void {
  const slack = program.command('slack').description('set up the Slack app')

  slack
    .command('manifest')
    .description('print the app manifest for this configuration; paste it where you create the Slack app')
    .action(async () => {
      // The manifest is needed before the app, and with it a token, exists.
      const setup = await slackSetup(readConfig({ unfinished: 'slack' }))
      console.log(JSON.stringify(setup.manifest(), null, 2))
      console.error(terminalWording.slackManifest)
    })
}

async function discordSetup(config: Pick<Config, 'discord'>) {
  if (config.discord === undefined) throw new ParleyError('config_invalid', configurationWording.discordTokenMissing)
  const { createSetup } = await import('../../adapters/discord/setup.ts')
  return createSetup({ ...config.discord, commands: commandSpecs })
}

const examineDiscord = async () => await (await discordSetup(readConfig())).examine()

/** `parley discord …`: invites the bot and registers its commands. */
function addDiscordCommands(program: Command): void {
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

async function teamsSetup({ teams, publicUrl }: Pick<Config, 'teams' | 'publicUrl'>) {
  if (teams === undefined) throw new ParleyError('config_invalid', configurationWording.teamsClientMissing)
  const { createSetup } = await import('../../adapters/teams/setup.ts')
  return createSetup({ settings: teams, commands: commandSpecs, version, publicUrl })
}

const examineTeams = async () => await (await teamsSetup(readConfig())).examine()

/** `parley teams …`: creates the app package that an admin uploads to Teams. */
function addTeamsCommands(program: Command): void {
  const teams = program.command('teams').description('set up the Teams app')

  teams
    .command('manifest')
    .description('create the app package for this configuration; upload it in the Teams admin center')
    .option('--out <file>', 'the file to write', 'parley-teams.zip')
    .action(async ({ out }: { out: string }) => {
      const path = resolve(callerFolder(), out)
      await writeFile(path, await (await teamsSetup(readConfig())).package())
      console.log(path)
      console.error(terminalWording.teamsPackage)
    })
}

export interface PlatformAtTheCommandLine {
  /** `parley replay <platform>`. */
  replay(): Promise<{ replay: Replay }>
  /** `parley doctor <platform>`. Absent if the platform needs no setup. */
  examine?(): Promise<Check[]>
  /** `parley <platform> …`: its setup commands. */
  addCommands?(program: Command): void
}

export const platforms: Record<string, PlatformAtTheCommandLine> = {
  console: { replay: () => import('../../adapters/console/replay.ts') },
  slack: {
    replay: () => import('../../adapters/slack/replay.ts'),
    examine: examineSlack,
    addCommands: addSlackCommands,
  },
  discord: {
    replay: () => import('../../adapters/discord/replay.ts'),
    examine: examineDiscord,
    addCommands: addDiscordCommands,
  },
  teams: {
    replay: () => import('../../adapters/teams/replay.ts'),
    examine: examineTeams,
    addCommands: addTeamsCommands,
  },
}

export async function examinePlatform(platform: string): Promise<Check[]> {
  const examine = platforms[platform]?.examine
  if (examine === undefined) {
    const names = Object.keys(platforms).filter((name) => platforms[name]?.examine !== undefined)
    throw new ParleyError('request_invalid', doctorWording.platformUnknown(platform, names))
  }
  return await examine()
}
