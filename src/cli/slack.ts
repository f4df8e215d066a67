/** `parley slack …`: prints the manifest of the Slack app. */

import type { Command } from 'commander'
import type { Setup } from '../../adapters/slack/setup.ts'
import { type Config, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import { configurationWording } from '../wording/startup.ts'
import { terminalWording } from '../wording/terminal.ts'

/** Works without a token, because the manifest is needed before the app exists. */
async function slackSetup({ slack, publicUrl }: Pick<Config, 'slack' | 'publicUrl'>): Promise<Setup> {
  const { createSetup } = await import('../../adapters/slack/setup.ts')
  return createSetup(slack ?? { publicUrl })
}

export async function examineSlack() {
  const config = readConfig()
  if (config.slack === undefined) throw new ParleyError('config_invalid', configurationWording.slackTokenMissing)
  return await (await slackSetup(config)).examine()
}

export function addSlackCommands(program: Command): void {
  const slack = program.command('slack').description('set up the Slack app')

  slack
    .command('manifest')
    .description('print the app manifest for this configuration; paste it where you create the Slack app')
    .action(async () => {
      console.log(JSON.stringify((await slackSetup(readConfig())).manifest(), null, 2))
      console.error(terminalWording.slackManifest)
    })
}
