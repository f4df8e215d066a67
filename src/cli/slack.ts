/** `parley slack …`: the manifest of the Slack app. */
import type { Command } from 'commander'
import type { Setup } from '../../adapters/slack/setup.ts'
import { type Config, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'

/** Without a token only what needs none: the manifest comes before there is an app. */
async function slackSetup({ slack, publicUrl }: Pick<Config, 'slack' | 'publicUrl'>): Promise<Setup> {
  const { createSetup } = await import('../../adapters/slack/setup.ts')
  return createSetup(slack ?? (publicUrl === undefined ? {} : { publicUrl }))
}

export async function examineSlack() {
  const config = readConfig()
  if (config.slack === undefined)
    throw new ParleyError(
      'config_invalid',
      'SLACK_BOT_TOKEN is not set. docs/slack.md takes you to it, from `parley slack manifest` on.',
    )
  return await (await slackSetup(config)).examine()
}

export function addSlackCommands(program: Command): void {
  const slack = program.command('slack').description('set up the Slack app')

  slack
    .command('manifest')
    .description('print the app manifest for this configuration, to be pasted where Slack creates apps')
    .action(async () => {
      console.log(JSON.stringify((await slackSetup(readConfig())).manifest(), null, 2))
      console.error(
        'Paste it at https://api.slack.com/apps: Create New App, From a manifest. docs/slack.md tells the rest.',
      )
    })
}
