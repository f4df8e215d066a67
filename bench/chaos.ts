/** What failing model servers cost in time: the same 500 turns with none and with 30 % of calls going wrong (test/chaos.ts). */
import { type ChaosResult, runChaos } from '../test/chaos.ts'
import { startTestDatabase } from '../test/database.ts'
import { type Aim, quantile, say, type Table } from './report.ts'

const load = { turns: 500, atATime: 25, backoffMs: 500 }
/** Shorter than Parley's own, which wait for slow hardware: silence is told from slowness after so long. */
const timers = { connectMs: 2_000, idleMs: 2_000, totalMs: 60_000 }

export async function measureChaos(): Promise<{ tables: Table[]; aims: Aim[] }> {
  await using server = await startTestDatabase()
  const run = async (share: number) => {
    say(`chaos: ${share * 100} % of calls fail`)
    return runChaos({ connection: (await server.createDatabase()).connection, ...load, timers, share })
  }
  const calm = await run(0)
  const stormy = await run(0.3)
  const added = at(stormy, 0.95) - at(calm, 0.95)
  const lost = stormy.turns.filter((turn) => !endedWell(turn)).length
  return {
    tables: [
      {
        title: 'From the question to the end of its turn, in ms',
        rows: [row('none fails', calm), row('30 % fail', stormy)],
      },
      {
        title: 'How the turns ended',
        rows: [
          { calls: 'none fails', ...endings(calm) },
          { calls: '30 % fail', ...endings(stormy) },
        ],
        notes: [
          `p95 added by the failures: ${Math.round(added)} ms. ${stormy.calls} calls for ${load.turns} turns.`,
          `A silent server is given up after ${timers.idleMs / 1_000} s here, after 60 to 180 s by default; pauses between tries and cool-downs are Parley's own.`,
        ],
      },
      {
        title: 'What went wrong',
        rows: Object.entries(stormy.faults).map(([fault, times]) => ({ fault, times })),
      },
    ],
    aims: [
      { what: 'turns without an answer or a clear sentence', value: lost, unit: 'turns', atMost: 0 },
      { what: 'reservations left open', value: stormy.ledger.open, unit: 'reservations', atMost: 0 },
    ],
  }
}

function row(calls: string, result: ChaosResult) {
  return { calls, p50: at(result, 0.5), p95: at(result, 0.95), p99: at(result, 0.99), most: at(result, 1) }
}

function at(result: ChaosResult, share: number): number {
  return quantile(
    result.turns.map(({ ms }) => ms),
    share,
  )
}

function endings({ turns }: ChaosResult) {
  const count = (is: (turn: ChaosResult['turns'][number]) => boolean) => turns.filter(is).length
  return {
    whole: count(({ outcome }) => outcome.state === 'done' && outcome.receipt.finish === 'stop'),
    'marked incomplete': count(({ outcome }) => outcome.receipt.finish === 'truncated'),
    'a sentence instead': count(({ outcome }) => outcome.state === 'failed'),
    'by the other model': count(({ outcome }) => outcome.receipt.reason.includes('could not answer')),
  }
}

function endedWell({ outcome }: ChaosResult['turns'][number]): boolean {
  if (outcome.state === 'failed') return /^[A-Z].+\. [A-Z].+\.$/.test(outcome.text)
  const marked = outcome.receipt.notices.some((notice) => notice.includes('This answer is incomplete.'))
  return outcome.text !== '' && (outcome.receipt.finish === 'stop' || marked)
}
