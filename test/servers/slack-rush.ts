/** Many people ask at once in the simulated Slack: measures acknowledgements, answers and their order. */
import { setTimeout as sleep } from 'node:timers/promises'
import { finished } from './slack-rig.ts'
import { bot, team } from './slack-state.ts'
import type { SlackStandIn, SlackStandInOptions } from './slack-types.ts'

export interface Rush {
  mentions: number
  /** The mentions of a channel are one thread. */
  channels: number
  /** They are spread evenly over this time. */
  overMs: number
  /** How long the last answer may take. */
  settleMs: number
}

export interface Rushed {
  /** Milliseconds, of each mention. */
  acks: number[]
  /** Milliseconds, of each mention that was answered. */
  answers: number[]
  /** Not acknowledged with 200. */
  refused: number
  unanswered: number
  /** Threads whose answers are not in the order of their questions. */
  outOfOrder: number
}

const people = 10

export async function rush(slack: SlackStandIn, { mentions, channels, overMs, settleMs }: Rush): Promise<Rushed> {
  for (let at = 0; at < people; at += 1) {
    const id = `U0RUSH${String(at).padStart(4, '0')}`
    slack.state.users.set(id, { id, name: `Person ${at}`, team, more: {} })
  }
  const threads = Array.from({ length: channels }, (_, at) => {
    const channel = `C0RUSH${String(at).padStart(4, '0')}`
    return { channel, root: slack.state.nextTs(), asked: [] as number[] }
  })
  const started = performance.now()
  const sent = Array.from({ length: mentions }, async (_, at) => {
    await sleep((overMs * at) / mentions)
    const thread = threads[at % channels]
    if (thread === undefined) throw new Error('no thread')
    const ts = thread.asked.length === 0 ? thread.root : slack.state.nextTs()
    const asker = thread.asked.push(performance.now()) - 1
    const said = {
      user: `U0RUSH${String(asker % people).padStart(4, '0')}`,
      ts,
      channel: thread.channel,
      event_ts: ts,
      team,
      text: `<@${bot.user}> question ${asker}`,
      ...(ts !== thread.root && { thread_ts: thread.root }),
    }
    // Slack announces a mention twice.
    const [delivered] = await Promise.all([
      slack.event({ type: 'app_mention', ...said }),
      slack.event({ type: 'message', channel_type: 'channel', ...said }),
    ])
    return delivered
  })
  const delivered = await Promise.all(sent)
  const answered = () =>
    threads.every(({ channel, asked }) => slack.replies(channel).filter(finished).length >= asked.length)
  // The call that finished a message gives its time.
  const ends = new Map<string, number>()
  const look = () => {
    for (const { channel } of threads)
      for (const reply of slack.replies(channel)) {
        const place = `${channel}/${reply.ts}`
        if (!ends.has(place) && finished(reply)) ends.set(place, performance.now())
      }
    return answered()
  }
  await slack.until(look, 'all answers', settleMs + started + overMs - performance.now()).catch(() => undefined)
  look()
  return {
    acks: delivered.map(({ ms }) => ms),
    refused: delivered.filter(({ status }) => status !== 200).length,
    ...tally(slack, threads, ends),
  }
}

function tally(slack: SlackStandIn, threads: { channel: string; asked: number[] }[], ends: Map<string, number>) {
  const answers: number[] = []
  let unanswered = 0
  let outOfOrder = 0
  for (const { channel, asked } of threads) {
    const times = slack.replies(channel).map(({ ts }) => ends.get(`${channel}/${ts}`))
    const known = times.filter((time) => time !== undefined)
    unanswered += asked.length - known.length
    if (known.some((time, at) => at > 0 && time < (known[at - 1] ?? 0))) outOfOrder += 1
    for (const [at, time] of known.entries()) answers.push(time - (asked[at] ?? time))
  }
  return { answers, unanswered, outOfOrder }
}

/** Slack's limits per minute, plus half for bursts: https://docs.slack.dev/apis/web-api/rate-limits */
export function slackTiers(): NonNullable<SlackStandInOptions['limit']> {
  const perMinute: Record<string, number> = {
    'chat.startStream': 20,
    'chat.stopStream': 20,
    'chat.update': 50,
    'conversations.replies': 50,
    'agents.sessions.setStatus': 50,
    'assistant.threads.setStatus': 100,
    'reactions.add': 50,
    'reactions.remove': 50,
  }
  const buckets = new Map<string, { left: number; at: number }>()
  return (method, _index, args) => {
    const post = method === 'chat.postMessage'
    const rate = (post ? 60 : (perMinute[method] ?? 100)) / 60_000
    const size = post ? 5 : rate * 30_000
    const key = post ? `${method}/${String(args.channel)}` : method
    const bucket = buckets.get(key) ?? { left: size, at: Date.now() }
    buckets.set(key, bucket)
    bucket.left = Math.min(size, bucket.left + (Date.now() - bucket.at) * rate)
    bucket.at = Date.now()
    if (bucket.left < 1) return Math.max(1, Math.ceil((1 - bucket.left) / rate / 1000))
    bucket.left -= 1
    return undefined
  }
}
