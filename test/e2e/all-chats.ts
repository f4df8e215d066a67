/** One Parley on the simulated Slack, Discord and Teams at once, with a scripted model. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDiscord } from '../servers/discord.ts'
import { type ScriptedOpenAiOptions, startScriptedOpenAi } from '../servers/openai.ts'
import { startSlack } from '../servers/slack.ts'
import { bot } from '../servers/slack-state.ts'
import { startTeams } from '../servers/teams.ts'
import { removeHome, startParley, temporaryHome } from './parley.ts'

export type AllChats = Awaited<ReturnType<typeof startAllChats>>

/** `settings`: more of parley.yaml. */
export async function startAllChats(
  script: ScriptedOpenAiOptions['script'],
  more: { settings?: string; env?: Record<string, string> } = {},
) {
  await using opened = new AsyncDisposableStack()
  const slack = opened.use(await startSlack())
  const discord = opened.use(await startDiscord())
  const teams = opened.use(await startTeams())
  const model = opened.adopt(await startScriptedOpenAi({ script }), (each) => each.close())
  const home = opened.adopt(await temporaryHome(), removeHome)
  await writeFile(join(home, 'parley.yaml'), `teams:\n  fileHosts: ["${teams.fileHost}"]\n${more.settings ?? ''}`)
  const env = {
    SLACK_BOT_TOKEN: bot.token,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_API_URL: slack.apiUrl,
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: discord.url,
    ...teams.environment(),
    OPENAI_BASE_URL: model.url,
    ...more.env,
  }
  const parley = opened.use(await startParley(home, env, home))
  slack.target = parley.url
  teams.target = parley.url
  const all = opened.move()
  return { slack, discord, teams, model, parley, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
