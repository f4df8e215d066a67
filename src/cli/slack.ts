/** `parley slack …`: prints the manifest of the Slack app. */

import type { Command } from 'commander'
import type { Setup } from '../../adapters/slack/setup.ts'
import { type Config, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import { configurationWording } from '../wording/startup.ts'
import { terminalWording } from '../wording/terminal.ts'

async function slackSetup({ slack }: Pick<Config, 'slack'>): Promise<Setup> {
  if (slack === undefined) throw new ParleyError('config_invalid', configurationWording.slackTokenMissing)
  const { createSetup } = await import('../../adapters/slack/setup.ts')
  return createSetup(slack)
}

export async function examineSlack() {
  return await (await slackSetup(readConfig())).examine()
}

export function addSlackCommands(program: Command): void {
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
