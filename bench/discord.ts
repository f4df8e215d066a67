/** 500 messages in 10 seconds over 50 channels of Discord: how long people wait, and whether Discord had to complain. */
import { removeHome, startParley, temporaryHome } from '../test/e2e/parley.ts'
import { gatherCrowd } from '../test/servers/discord-crowd.ts'
import { type Result, say, spread } from './report.ts'

const crowdSize = { messages: 500, channels: 50, overMs: 10_000 }

export async function measureDiscord(): Promise<Pick<Result, 'tables' | 'aims'>> {
  const home = await temporaryHome()
  try {
    await using crowd = await gatherCrowd()
    await using _parley = await startParley(home, crowd.env)
    say(`${crowdSize.messages} messages in ${crowdSize.overMs / 1000} s over ${crowdSize.channels} channels`)
    const { firstMs, totalMs, refused, unanswered, disordered, requests } = await crowd.write(crowdSize)
    return {
      tables: [
        {
          title: 'Discord: milliseconds from a message to its answer',
          rows: [spread('first text', firstMs), spread('whole answer', totalMs)],
          notes: [
            `${requests} requests; Discord allows a bot 50 a second, so this crowd takes at least ${Math.ceil(requests / 50)} s`,
            `${refused.length} of them were told to slow down`,
          ],
        },
      ],
      aims: [
        { what: 'messages without an answer', value: unanswered.length, unit: '', atMost: 0 },
        { what: 'channels answered out of order', value: disordered.length, unit: '', atMost: 0 },
        { what: 'requests that Discord refused (429)', value: refused.length, unit: '', atMost: 0 },
      ],
    }
  } finally {
    await removeHome(home)
  }
}
