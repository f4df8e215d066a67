/** `parley teams …`: the app package that an admin uploads to Teams. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Setup } from '../../adapters/teams/setup.ts'
import { commandSpecs } from '../admin/specs.ts'
import { type Config, callerFolder, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import { version } from '../version.ts'

async function teamsSetup({ teams, publicUrl }: Pick<Config, 'teams' | 'publicUrl'>): Promise<Setup> {
  if (teams === undefined)
    throw new ParleyError(
      'config_invalid',
      'TEAMS_CLIENT_ID and TEAMS_CLIENT_SECRET are not set. docs/teams.md takes you to them.',
    )
  const { createSetup } = await import('../../adapters/teams/setup.ts')
  const where = publicUrl === undefined ? {} : { publicUrl }
  return createSetup({ settings: teams, commands: commandSpecs, version, ...where })
}

export const examineTeams = async () => await (await teamsSetup(readConfig())).examine()

export function addTeamsCommands(program: Command): void {
  const teams = program.command('teams').description('set up the Teams app')

  teams
    .command('manifest')
    .description('make the app package for this configuration, to be uploaded where Teams manages apps')
    .option('--out <file>', 'where it is written', 'parley-teams.zip')
    .action(async ({ out }: { out: string }) => {
      const path = resolve(callerFolder(), out)
      await writeFile(path, await (await teamsSetup(readConfig())).package())
      console.log(path)
      console.error('Upload it at https://admin.teams.microsoft.com: Teams apps, Manage apps, Upload new app.')
    })
}
