/** A real listener of Discord on the stand-in, with an intake that remembers what it is given. */

import { createDiscord } from '../../adapters/discord/platform.ts'
import { silentLog } from '../../src/core/log.ts'
import type { IncomingMessage } from '../../src/core/message.ts'
import type { PlaceAddress, PlaceChange, PostedFile } from '../../src/core/place.ts'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { memoryRecords } from '../fakes/records.ts'
import { type StandInDiscord, startDiscord } from './discord.ts'
import type { WorldChannel, WorldGuild } from './discord-world.ts'

export interface DiscordRig extends AsyncDisposable {
  discord: StandInDiscord
  records: ReturnType<typeof memoryRecords>
  guild: WorldGuild
  general: WorldChannel
  ann: Person
  bob: Person
  olga: Person
  /** What intake was given, as it came. */
  received: IncomingMessage[]
  recorded: ReturnType<typeof recorder>
  /** What it was told of places, and the files that were posted there. */
  changes: PlaceChange[]
  posted: { place: PlaceAddress; file: PostedFile }[]
  /** Starts a process; the one before has to be stopped. */
  listen(own?: Partial<Intake>): Promise<void>
  stop(): Promise<void>
  /** The message with this text, once it is taken in. */
  taken(text: string): Promise<IncomingMessage>
  /** Writes something to Parley elsewhere and waits until that is taken in: what was written before is decided then. */
  settled(): Promise<void>
  /** Paths of the requests that read, since the last call. */
  reads(): string[]
}

type Person = ReturnType<StandInDiscord['world']['addUser']>

/** Ann and Bob are members of Olga's server. */
export async function openDiscordRig(): Promise<DiscordRig> {
  const discord = await startDiscord()
  const records = memoryRecords()
  const [ann, bob, olga] = ['Ann', 'Bob', 'Olga'].map((name) => discord.world.addUser(name)) as [Person, Person, Person]
  const guild = discord.world.addGuild('Team', olga)
  for (const { id } of [ann, bob]) guild.members.set(id, [])
  const general = discord.world.addChannel(guild, 'general')
  const other = discord.world.directChat(discord.world.addUser('Somebody').id)
  const recorded = recorder()
  const changes: PlaceChange[] = []
  const posted: DiscordRig['posted'] = []
  let listener: Listener | undefined
  let counted = 0
  let markers = 0

  const taken = (text: string) =>
    discord.until(() => recorded.received.find((message) => message.text === text), `"${text}" taken in`)

  return {
    discord,
    records,
    guild,
    general,
    ann,
    bob,
    olga,
    received: recorded.received,
    recorded,
    changes,
    posted,
    taken,
    async listen(own = {}) {
      const platform = createDiscord({
        token: discord.token,
        apiUrl: discord.url,
        records,
        quota: createLocalQuota(),
        log: silentLog,
        throttler: { waitForIdentify: async () => undefined },
        pauses: { firstMs: 20, mostMs: 100, steadyMs: 200 },
        retryMs: 10,
        saveEveryMs: 5,
      })
      listener = platform.listen({
        ...recorded.intake,
        placeChanged: async (change) => void changes.push(change),
        filesPosted: async (place, files) => void posted.push(...(await files()).map((file) => ({ place, file }))),
        ...own,
      })
      await listener.start()
    },
    async stop() {
      await listener?.stop()
      listener = undefined
    },
    async settled() {
      markers += 1
      const author = discord.world.users.get(other.userId ?? '') as Person
      discord.write({ author, channel: other, text: `marker ${markers}` })
      await taken(`marker ${markers}`)
      const at = recorded.received.findIndex(({ text }) => text === `marker ${markers}`)
      recorded.received.splice(at, 1)
    },
    reads() {
      const found = discord.requests.slice(counted).filter(({ method }) => method === 'GET')
      counted = discord.requests.length
      return found.map(({ path }) => path)
    },
    async [Symbol.asyncDispose]() {
      await listener?.stop()
      await discord[Symbol.asyncDispose]()
    },
  }
}
