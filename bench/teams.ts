/**
 * A busy Teams: 500 mentions within 10 seconds over 50 threads of a channel, against the stand-in of Teams with Microsoft's own
 * limits. When each was acknowledged and answered, and whether each thread was answered in order.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeHome, startParley, temporaryHome } from '../test/e2e/parley.ts'
import { startTeams } from '../test/servers/teams.ts'
import { rushTeams, type TeamsRush } from '../test/servers/teams-rush.ts'
import { type Aim, quantile, round, say, spread, type Table } from './report.ts'
import { startModel } from './servers.ts'

const load: TeamsRush = { mentions: 500, threads: 50, overMs: 10_000, settleMs: 180_000 }

export async function measureTeams(): Promise<{ tables: Table[]; aims: Aim[] }> {
  await using model = await startModel({ tokens: 40, everyMs: 20 })
  await using teams = await startTeams()
  const home = await temporaryHome()
  try {
    await writeFile(join(home, 'parley.yaml'), `teams:\n  fileHosts: ["${teams.fileHost}"]\n`)
    const env = { ...teams.environment(), OPENAI_BASE_URL: model.url, LOG_LEVEL: 'warn' }
    await using parley = await startParley(home, env, home)
    teams.target = parley.url
    await sleep(1000)
    say(`teams: ${load.mentions} mentions over ${load.threads} threads in ${load.overMs / 1000} s`)
    const { acks, answers, refused, unanswered, outOfOrder } = await rushTeams(teams, load)
    const { calls, broken } = teams.state
    const count = (method: string) => calls.filter((call) => call.method === method && call.status < 300).length
    const limited = calls.filter(({ status }) => status === 429).length
    return {
      tables: [
        {
          title: 'From the event, in ms',
          rows: [spread('to its acknowledgement', acks), spread('to the whole answer', answers)],
        },
        {
          title: 'Calls to Teams',
          rows: [
            {
              calls: calls.length,
              posts: count('POST'),
              edits: count('PUT'),
              'of Graph': teams.said.asked.length,
              'refused for pace': limited,
            },
          ],
          notes: [
            'The stand-in refuses what is over 7 calls a second and 60 in 30 seconds of a conversation, and answers at once.',
            `${load.mentions / load.threads} mentions of each thread, by ten people in turn, are answered one after the other.`,
          ],
        },
      ],
      aims: [
        // Teams waits 15 seconds.
        { what: 'slowest acknowledgement', value: round(quantile(acks, 1)), unit: 'ms', atMost: 10_000 },
        { what: 'mentions refused', value: refused, unit: 'mentions', atMost: 0 },
        { what: 'mentions without an answer', value: unanswered, unit: 'mentions', atMost: 0 },
        { what: 'threads answered out of order', value: outOfOrder, unit: 'threads', atMost: 0 },
        { what: 'rules of Teams broken', value: broken.length, unit: 'calls', atMost: 0 },
      ],
    }
  } finally {
    await removeHome(home)
  }
}
