/**
 * A busy Slack: 500 mentions within 10 seconds over 50 channels, by signed HTTP, against the stand-in of Slack with Slack's own
 * limits. When each was acknowledged and answered, and whether each thread was answered in order.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { removeHome, startParley, temporaryHome } from '../test/e2e/parley.ts'
import { startSlack } from '../test/servers/slack.ts'
import { type Rush, rush, slackTiers } from '../test/servers/slack-rush.ts'
import { bot } from '../test/servers/slack-state.ts'
import { type Aim, quantile, round, say, spread, type Table } from './report.ts'
import { startModel } from './servers.ts'

const load: Omit<Rush, 'settleMs'> = { mentions: 500, channels: 50, overMs: 10_000 }

export async function measureSlack(): Promise<{ tables: Table[]; aims: Aim[] }> {
  await using model = await startModel({ tokens: 40, everyMs: 20 })
  await using slack = await startSlack({ limit: slackTiers() })
  const home = await temporaryHome()
  try {
    await using parley = await startParley(home, {
      SLACK_BOT_TOKEN: bot.token,
      SLACK_SIGNING_SECRET: slack.signingSecret,
      SLACK_API_URL: slack.apiUrl,
      OPENAI_BASE_URL: model.url,
      LOG_LEVEL: 'warn',
    })
    slack.target = parley.url
    await sleep(1000)
    say(`slack: ${load.mentions} mentions over ${load.channels} channels in ${load.overMs / 1000} s`)
    const { acks, answers, refused, outOfOrder, unanswered } = await rush(slack, { ...load, settleMs: 180_000 })
    const limited = slack.calls.filter(({ error }) => error === 'ratelimited').length
    const count = (method: string) =>
      slack.calls.filter((call) => call.method === method && call.error === undefined).length
    return {
      tables: [
        {
          title: 'From the event, in ms',
          rows: [spread('to its acknowledgement', acks), spread('to the whole answer', answers)],
        },
        {
          title: 'Calls to Slack',
          rows: [
            {
              calls: slack.calls.length,
              streams: count('chat.startStream'),
              posts: count('chat.postMessage'),
              edits: count('chat.update'),
              'refused for pace': limited,
            },
          ],
          notes: [
            'The stand-in refuses what is over 20, 50 and 100 calls a minute of a tier (and half as many more in a burst) and over one post a second and channel (five in a burst).',
            `${load.mentions / load.channels} mentions of each channel are one thread, by ten people in turn, and are answered one after the other.`,
          ],
        },
      ],
      aims: [
        { what: 'slowest acknowledgement', value: round(quantile(acks, 1)), unit: 'ms', atMost: 1000 },
        { what: 'mentions refused', value: refused, unit: 'mentions', atMost: 0 },
        { what: 'mentions without an answer', value: unanswered, unit: 'mentions', atMost: 0 },
        { what: 'threads answered out of order', value: outOfOrder, unit: 'threads', atMost: 0 },
      ],
    }
  } finally {
    await removeHome(home)
  }
}
