/** `parley doctor <platform>`: what one chat platform needs, looked at from outside, without a database. */
import { readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import type { Check } from '../ops/doctor.ts'
import { discordSetup } from './discord.ts'
import { slackSetup } from './slack.ts'
import { teamsSetup } from './teams.ts'

/** THE table of platforms with a doctor of their own. */
const doctors: Record<string, () => Promise<Check[]>> = {
  discord: async () => (await discordSetup(readConfig())).examine(),
  teams: async () => (await teamsSetup(readConfig())).examine(),
  slack: async () => {
    const config = readConfig()
    if (config.slack === undefined)
      throw new ParleyError(
        'config_invalid',
        'SLACK_BOT_TOKEN is not set. docs/slack.md takes you to it, from `parley slack manifest` on.',
      )
    return (await slackSetup(config)).examine()
  },
}

export async function examinePlatform(platform: string): Promise<Check[]> {
  const examine = doctors[platform]
  if (examine === undefined)
    throw new ParleyError(
      'request_invalid',
      `There is nothing to look at for ${platform}. Choose one of: ${Object.keys(doctors).join(', ')}; or none, to look at Parley itself.`,
    )
  return await examine()
}
