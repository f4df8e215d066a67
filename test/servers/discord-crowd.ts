/** A crowd on Discord: many people write at the same time, in servers and directly, and every message carries its mark. */
import { setTimeout as sleep } from 'node:timers/promises'
import { hasEnded, type StandInDiscord, startDiscord } from './discord.ts'
import type { WorldChannel, WorldMessage } from './discord-world.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from './openai.ts'
import { questionTextOf } from './openai-wire.ts'

export interface CrowdOptions {
  messages: number
  /** Half of them are servers' channels, where each mention gets its thread; half are direct chats. */
  channels: number
  overMs: number
}

export interface CrowdResult {
  /** Marks that no finished reply has. */
  unanswered: string[]
  /** Channels whose marks were answered in another order than they were written. */
  disordered: string[]
  /** Requests that Discord told to slow down. */
  refused: StandInDiscord['refused']
  violations: string[]
  requests: number
  /** Milliseconds from the message to the first text of its answer, and to its end. */
  firstMs: number[]
  totalMs: number[]
}

export interface Crowd extends AsyncDisposable {
  discord: StandInDiscord
  model: ScriptedOpenAi
  /** For Parley's process. */
  env: Record<string, string>
  write(options: CrowdOptions): Promise<CrowdResult>
}

const marks = /#\d+-\d+#/g
const patienceMs = 120_000

export async function gatherCrowd(): Promise<Crowd> {
  const discord = await startDiscord()
  const model = await startScriptedOpenAi({
    script: ({ body }) => ({
      tokens: ['Read: ', ...(questionTextOf(body).match(marks) ?? []).map((mark) => `${mark} `), 'done.'],
    }),
  })
  const guild = discord.world.addGuild('Crowd', discord.world.addUser('Owner'))
  return {
    discord,
    model,
    env: {
      DISCORD_TOKEN: discord.token,
      DISCORD_API_URL: discord.url,
      OPENAI_BASE_URL: model.url,
      LOG_LEVEL: 'warn',
    },
    async write({ messages, channels, overMs }) {
      const channelCache = Array.from({ length: channels }, (_, n) => placeOf(n))
      const written = new Map<string, { at: number; channel: WorldChannel; id: string; n: number }>()
      const first = new Map<string, number>()
      const ended = new Map<string, number>()
      const started = performance.now()
      const before = discord.requests.length

      const look = () => {
        for (const [mark, { channel, id }] of written) {
          if (ended.has(mark)) continue
          const where = channel.type === 1 ? channel.id : id
          const found = discord.said(where).find(({ content }) => content.includes(mark))
          if (found === undefined) continue
          if (!first.has(mark)) first.set(mark, performance.now())
          if (hasEnded(found)) ended.set(mark, performance.now())
        }
        return ended.size === messages
      }

      for (let n = 0; n < messages; n += 1) {
        const late = started + (n / messages) * overMs - performance.now()
        if (late > 1) await sleep(late)
        const place = channelCache[n % channels]
        if (place === undefined) continue
        const mark = `#${n % channels}-${Math.floor(n / channels)}#`
        const { id } = discord.write({ ...place, text: `Please read ${mark}`, mention: place.channel.type !== 1 })
        written.set(mark, { at: performance.now(), channel: place.channel, id, n })
      }
      await discord.until(look, 'an answer to every message', patienceMs).catch(() => undefined)

      const took = (times: Map<string, number>) => [...times].map(([mark, at]) => at - (written.get(mark)?.at ?? at))
      return {
        unanswered: [...written.keys()].filter((mark) => !ended.has(mark)),
        disordered: channelCache.flatMap(({ channel }, n) =>
          channel.type === 1 && !inOrder(discord.said(channel.id)) ? [`${n}`] : [],
        ),
        refused: [...discord.refused],
        violations: [...discord.violations],
        requests: discord.requests.length - before,
        firstMs: took(first),
        totalMs: took(ended),
      }
    },
    async [Symbol.asyncDispose]() {
      await model.close()
      await discord[Symbol.asyncDispose]()
    },
  }

  function placeOf(n: number) {
    const author = discord.world.addUser(`Person ${n}`)
    if (n % 2 === 1) return { author, channel: discord.world.directChat(author.id) }
    const channel = discord.world.addChannel(guild, `channel-${n}`)
    discord.gateway.dispatch('CHANNEL_CREATE', discord.world.channelJson(channel), guild.id)
    return { author, channel }
  }
}

/** The marks of all replies of a channel, read one after the other, count up. */
function inOrder(replies: WorldMessage[]): boolean {
  const seen = replies
    .flatMap(({ content }) => content.match(marks) ?? [])
    .map((mark) => Number(mark.split('-')[1]?.slice(0, -1)))
  return seen.every((n, at) => n === at)
}
