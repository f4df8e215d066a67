/** Who can read a channel, against discord.js, which computes the same with code that we did not write. */
import {
  type APIOverwrite,
  type APIRole,
  Client,
  PermissionFlagsBits as may,
  type PermissionsBitField,
} from 'discord.js'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { grants, permissionsIn, readersOf, toRead } from './permissions.ts'

const client = new Client({ intents: [] })
afterAll(() => client.destroy())

const server = '100'
const [everyone, red, blue, rules, robotRole] = [server, '201', '202', '203', '204']
const roles = [everyone, red, blue, rules, robotRole]
const [owner, ann, bob, robot] = ['301', '302', '303', '304']
const bits = [may.ViewChannel, may.ReadMessageHistory, may.Connect, may.ManageThreads]

interface Drawn {
  type: number
  /** Permissions of each role. */
  base: bigint[]
  overwrites: APIOverwrite[]
}

const someBits = fc.subarray(bits).map((some) => some.reduce((sum, bit) => sum | bit, 0n))
const overwrite = (id: string) =>
  fc
    .record({
      allow: someBits,
      deny: fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: someBits }),
    })
    .map(({ allow, deny }): APIOverwrite => {
      return { id, type: roles.includes(id) ? 0 : 1, allow: String(allow & ~deny), deny: String(deny) }
    })
const channel: fc.Arbitrary<Omit<Drawn, 'base'>> = fc.record({
  type: fc.constantFrom(0, 2, 15),
  overwrites: fc
    .tuple(
      // Most private channels hide themselves from everyone.
      fc.option(
        fc.oneof(
          overwrite(everyone),
          fc.constant({ id: everyone, type: 0, allow: '0', deny: String(may.ViewChannel) }),
        ),
      ),
      ...[red, blue, rules, robotRole, ann, robot].map((id) => fc.option(overwrite(id), { freq: 1, nil: null })),
    )
    .map((some) => some.filter((each) => each !== null)),
})
const base = fc
  .tuple(...roles.map(() => someBits))
  .map((some) => some.map((each, n) => (roles[n] === rules ? each | may.Administrator : each)))

/** The same server for both: rows as Discord sends them. */
function rolesOf(permissions: readonly bigint[]): APIRole[] {
  return roles.map((id, position) => {
    const tags = id === robotRole ? { bot_id: robot } : undefined
    return { id, name: id, permissions: String(permissions[position]), position, tags, flags: 0 } as unknown as APIRole
  })
}

interface Cache {
  _add(raw: object): unknown
}

function theirs({ type, base, overwrites }: Drawn, userId: string, own: readonly string[]): PermissionsBitField {
  client.guilds.cache.clear()
  client.channels.cache.clear()
  const guild = (client.guilds as unknown as Cache)._add({
    id: server,
    name: 'Team',
    owner_id: owner,
    roles: rolesOf(base).map((role) => ({ ...role, colors: {} })),
    channels: [{ id: '400', type, name: 'channel', position: 0, permission_overwrites: overwrites }],
    members: [],
    emojis: [],
    stickers: [],
  }) as import('discord.js').Guild
  const member = (guild.members as unknown as Cache)._add({
    user: { id: userId, username: userId, discriminator: '0' },
    roles: own,
  }) as import('discord.js').GuildMember
  const found = guild.channels.cache.get('400')
  if (found === undefined || found.isThread()) throw new Error('discord.js knows no such channel')
  return found.permissionsFor(member)
}

const people = fc.record({
  id: fc.constantFrom(owner, ann, bob),
  own: fc.subarray([red, blue, rules]),
})

it('what a member may do in a channel is what discord.js says', () => {
  fc.assert(
    fc.property(channel, base, people, (drawn, base, { id, own }) => {
      const guild = { id: server, owner_id: owner, roles: rolesOf(base) }
      const granted = permissionsIn({ guild, member: { userId: id, roles: own } }, drawn.overwrites)
      const said = theirs({ ...drawn, base }, id, own)
      for (const bit of bits) expect(grants(granted, bit), String(bit)).toBe(said.has(bit))
    }),
    { numRuns: 400 },
  )
})

const mayRead = (drawn: Drawn, id: string, own: readonly string[]) => theirs(drawn, id, own).has(toRead(drawn.type))

it('the readers of a channel, where they are told as roles and members, are exactly those whom discord.js lets read', () => {
  let told = 0
  fc.assert(
    fc.property(channel, base, people, (drawn, base, { id, own }) => {
      const readers = readersOf(
        { id: server, roles: rolesOf(base) },
        { ...drawn, permission_overwrites: drawn.overwrites },
        robot,
      )
      if (readers === undefined) return
      told += 1
      const rulesAll =
        id === owner || [everyone, ...own].some((role) => grants(base[roles.indexOf(role)] ?? 0n, may.Administrator))
      const isReader = readers.some((reader) => reader === server || reader === id || own.includes(reader))
      expect(mayRead({ ...drawn, base }, id, own)).toBe(rulesAll || isReader)
    }),
    { numRuns: 600 },
  )
  expect(told).toBeGreaterThan(100)
})

it('a channel whose readers are all among those of another has nobody else', () => {
  let compared = 0
  fc.assert(
    fc.property(channel, channel, base, people, (room, place, base, { id, own }) => {
      const [those, these] = [room, place].map((drawn) =>
        readersOf({ id: server, roles: rolesOf(base) }, { ...drawn, permission_overwrites: drawn.overwrites }, robot),
      )
      if (those === undefined || these === undefined) return
      if (!these.includes(server) && !those.every((reader) => these.includes(reader))) return
      compared += 1
      if (mayRead({ ...room, base }, id, own)) expect(mayRead({ ...place, base }, id, own)).toBe(true)
    }),
    { numRuns: 800 },
  )
  expect(compared).toBeGreaterThan(50)
})
