/** `parley teams …`: creates the app package that an admin uploads to Teams. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Setup } from '../../adapters/teams/setup.ts'
import { commandSpecs } from '../admin/specs.ts'
import { type Config, callerFolder, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import { version } from '../version.ts'
import { configurationWording } from '../wording/startup.ts'
import { terminalWording } from '../wording/terminal.ts'

async function teamsSetup({ teams, publicUrl }: Pick<Config, 'teams' | 'publicUrl'>): Promise<Setup> {
  if (teams === undefined) throw new ParleyError('config_invalid', configurationWording.teamsClientMissing)
  const { createSetup } = await import('../../adapters/teams/setup.ts')
  return createSetup({ settings: teams, commands: commandSpecs, version, publicUrl })
}

export const examineTeams = async () => await (await teamsSetup(readConfig())).examine()

export function addTeamsCommands(program: Command): void {
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
