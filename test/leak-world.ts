/**
 * A small world of workspaces, people and places for the leak matrix: what is true in it, what its platforms say, and, in plain
 * words of our own, who may be told what. Nothing here asks Parley's rule in SQL.
 */
import { randomUUID } from 'node:crypto'
import type { PlaceAddress, PlaceChange, PlaceFacts, Places } from '../src/core/place.ts'
import { placeKey } from '../src/core/place.ts'
import type { PlaceAudience } from '../src/search/places.ts'

export interface WorldAccount {
  id: string
  workspace: string
  kind: 'member' | 'guest' | 'stranger'
  /** The person that it is linked to. */
  person: string
  gone: boolean
}

export type WorldKind = Exclude<PlaceFacts['kind'], 'direct'> | 'direct' | 'for' | 'collection'

export interface WorldPlace {
  key: string
  workspace: string
  kind: WorldKind
  /** Joined, or the one person of a direct chat. */
  members: Set<string>
  /** Parley was removed from it. */
  removed: boolean
  /** Of a collection. */
  grant?: { scope: string; channel?: string; workspace?: string /** Persons. */; team?: Set<string> }
}

export interface WorldAudience extends PlaceAudience {
  name: string
  account: string | undefined
}

export interface World {
  accounts: Map<string, WorldAccount>
  places: Map<string, WorldPlace>
  /** Where each content is shared now, by its title. */
  shares: Map<string, Set<string>>
  /** Workspaces whose platform does not answer. */
  silent: Set<string>
  /** Happens once, between the platform's answer and its arrival. */
  between: ((place: PlaceAddress) => Promise<void>) | undefined
}

export const platform = 'test'
export const keyOf = (workspaceId: string, channelId: string, threadId?: string) =>
  placeKey({ platform, workspaceId, channelId, threadId })

export function createWorld(workspaces: readonly string[]): World {
  const world: World = {
    accounts: new Map(),
    places: new Map(),
    shares: new Map(),
    silent: new Set(),
    between: undefined,
  }
  for (const workspace of workspaces) addWorkspace(world, workspace)
  return world
}

const names = ['ann', 'bob', 'cem', 'dee', 'eve', 'fay', 'guest', 'stranger'] as const

function addWorkspace({ accounts, places }: World, workspace: string): void {
  const id = (name: string) => `${workspace}.${name}`
  for (const name of names) {
    const kind = name === 'guest' || name === 'stranger' ? name : 'member'
    accounts.set(id(name), { id: id(name), workspace, kind, person: randomUUID(), gone: false })
  }
  const add = (kind: WorldKind, key: string, members: readonly string[], grant?: WorldPlace['grant']) =>
    places.set(key, { key, workspace, kind, members: new Set(members.map(id)), removed: false, grant })
  add('public', keyOf(workspace, 'general'), ['ann', 'bob', 'cem'])
  add('public', keyOf(workspace, 'random'), ['ann', 'dee'])
  add('private', keyOf(workspace, 'sales'), ['ann', 'bob', 'cem'])
  add('private', keyOf(workspace, 'board'), ['ann', 'bob'])
  add('private', keyOf(workspace, 'project'), ['bob', 'cem', 'dee', 'guest'])
  add('external', keyOf(workspace, 'partner'), ['ann', 'bob', 'stranger'])
  add('group', keyOf(workspace, 'chat'), ['ann', 'cem'])
  add('private', keyOf(workspace, 'sales', 'own-thread'), ['ann', 'bob'])
  for (const name of ['ann', 'bob', 'guest', 'stranger']) add('direct', keyOf(workspace, `direct-${name}`), [name])
  for (const name of ['ann', 'bob']) add('for', `${keyOf(workspace, 'general')}/for/${id(name)}`, [name])
  const collection = (name: string, grant: NonNullable<WorldPlace['grant']>) =>
    add('collection', `collection/local/${workspace}-${name}`, [], grant)
  collection('everybody', { scope: 'all' })
  collection('workspace', { scope: `workspace:${platform}/${workspace}`, workspace })
  const board = keyOf(workspace, 'board')
  collection('channel', { scope: `channel:${board}`, channel: board })
  collection('team', {
    scope: 'team',
    team: new Set(['ann', 'guest'].map((name) => accounts.get(id(name))?.person ?? '')),
  })
}

/** Words that nothing else has: of a content, of one share of it, and of a place. */
export const contentWord = (n: number) => `zq${lettersOf(n)}q`
export const shareWord = (world: World, content: string, { key }: WorldPlace) =>
  `zs${content.slice(2, -1)}t${lettersOf([...world.places.keys()].indexOf(key))}z`
export const placeWord = (world: World, { key }: WorldPlace) => `zr${lettersOf([...world.places.keys()].indexOf(key))}r`

/** No digits, which may be a version or a date. */
const lettersOf = (n: number) => String(n).replace(/[0-9]/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')
const numberOf = (letters: string) =>
  Number(letters.replace(/[a-j]/g, (letter) => String('abcdefghij'.indexOf(letter))))

/** What a text tells of the world: contents, where they are shared, and names of places. */
export function wordsIn(world: World, text: string): { contents: string[]; places: WorldPlace[] } {
  const all = [...world.places.values()]
  const placeAt = (letters: string) => {
    const place = all[numberOf(letters)]
    if (place === undefined) throw new Error(`no such place: ${letters}`)
    return place
  }
  const shares = [...text.matchAll(/zs([a-j]+)t([a-j]+)z/g)].map(([, content = '', at = '']) => ({ content, at }))
  const contents = [...text.matchAll(/zq[a-j]+q/g)].map(([word]) => word)
  const rooms = [...text.matchAll(/zr([a-j]+)r/g)].map(([, at = '']) => at)
  return {
    contents: [...new Set([...contents, ...shares.map(({ content }) => `zq${content}q`)])],
    places: [...new Set([...rooms, ...shares.map(({ at }) => at)])].map(placeAt),
  }
}

/** Everybody who can ask somewhere, and every room that answers are read in. */
export function audiencesOf({ accounts, places }: World): WorldAudience[] {
  const rooms = [...places.values()]
    .filter(({ kind }) => !['direct', 'for', 'collection'].includes(kind))
    .map(({ key }): WorldAudience => ({ name: key, place: key, account: undefined }))
  const alone = (account: WorldAccount, place: string): WorldAudience => ({
    name: `${account.id} alone in ${place}`,
    place,
    account: account.id,
    asker: {
      platform,
      workspaceId: account.workspace,
      account: account.id,
      personId: account.person,
      outsider: account.kind !== 'member',
    },
  })
  const people = [...accounts.values()].map((account) =>
    alone(account, keyOf(account.workspace, `direct-${account.id.split('.')[1]}`)),
  )
  const inRooms = [...accounts.values()]
    .filter(({ id }) => /[.](ann|bob)$/.test(id))
    .map((account) => alone(account, keyOf(account.workspace, 'general')))
  return [...rooms, ...people, ...inRooms]
}

/** Everybody who can read a place. */
export function readersOf({ accounts }: World, { kind, workspace, members }: WorldPlace): Set<string> {
  const readers = new Set(members)
  if (kind === 'public')
    for (const account of accounts.values())
      if (account.workspace === workspace && account.kind === 'member' && !account.gone) readers.add(account.id)
  return readers
}

const isOutsider =
  ({ accounts }: World) =>
  (id: string) =>
    accounts.get(id)?.kind !== 'member'
const channelOf = (key: string) => key.split('/').slice(0, 3).join('/')
const isOrdinary = ({ kind }: WorldPlace) => kind !== 'direct' && kind !== 'for' && kind !== 'collection'

/** The accounts that are one human being with this one. */
function sameHuman({ accounts }: World, id: string): WorldAccount[] {
  const own = accounts.get(id)
  return [...accounts.values()].filter((other) => other.id === id || other.person === own?.person)
}

/** THE oracle: whether everybody in the audience may be told what is in the place. */
export function mayBeTold(world: World, audience: WorldAudience, place: WorldPlace): boolean {
  if (place.key === audience.place) return true
  const room = world.places.get(audience.place)
  const { account } = audience
  if (place.kind === 'collection') return isGranted(world, audience, place)
  if (account === undefined) {
    if (room === undefined || !isOrdinary(place) || place.workspace !== room.workspace) return false
    const readers = readersOf(world, place)
    return [...readersOf(world, room)].every((reader) => readers.has(reader))
  }
  return sameHuman(world, account).some(
    ({ id, workspace }) => workspace === place.workspace && readersOf(world, place).has(id),
  )
}

function isGranted(world: World, { place: roomKey, account }: WorldAudience, { grant }: WorldPlace): boolean {
  const { scope, channel, team, workspace } = grant ?? {}
  if (scope === 'all') return true
  const room = world.places.get(roomKey)
  if (channel !== undefined) {
    if (channelOf(roomKey) === channel) return true
    const granted = world.places.get(channel)
    return (
      account !== undefined &&
      granted !== undefined &&
      sameHuman(world, account).some(
        ({ id, workspace: at }) => at === granted.workspace && readersOf(world, granted).has(id),
      )
    )
  }
  if (workspace !== undefined) {
    if (!roomKey.startsWith(`${platform}/${workspace}/`)) return false
    if (account !== undefined) return world.accounts.get(account)?.kind === 'member'
    return room !== undefined && room.kind !== 'external' && ![...readersOf(world, room)].some(isOutsider(world))
  }
  return account !== undefined && team?.has(world.accounts.get(account)?.person ?? '') === true
}

/** What must be found where platforms answer: less than may be told, for not all of it can be known. */
export function mustBeFound(world: World, audience: WorldAudience, place: WorldPlace): boolean {
  const room = world.places.get(audience.place)
  const known = ({ removed, workspace }: WorldPlace) => !removed && !world.silent.has(workspace)
  if (!mayBeTold(world, audience, place)) return false
  if (place.key === audience.place) return true
  if (place.kind === 'collection') {
    const { channel, workspace } = place.grant ?? {}
    if (channel !== undefined && channelOf(audience.place) !== channel) {
      const granted = world.places.get(channel)
      return granted !== undefined && known(granted)
    }
    return workspace === undefined || audience.account !== undefined || (room !== undefined && known(room))
  }
  if (audience.account !== undefined) return place.kind === 'direct' || place.kind === 'for' || known(place)
  if (room === undefined || !known(room) || !known(place)) return false
  const insiders = room.kind !== 'external' && ![...readersOf(world, room)].some(isOutsider(world))
  if (place.kind === 'public') return insiders
  return (
    room.kind !== 'public' && room.members.size > 0 && [...room.members].every((member) => place.members.has(member))
  )
}

/** What the platform of this world says at this moment. */
export function placesOf(world: World): Places {
  const placeAt = (address: PlaceAddress) => {
    if (world.silent.has(address.workspaceId)) throw new Error('the platform does not answer')
    const place = world.places.get(placeKey(address))
    return place === undefined || place.removed ? undefined : place
  }
  const arrive = async (address: PlaceAddress) => {
    const happens = world.between
    if (happens === undefined) return
    await happens(address)
  }
  return {
    async look(address) {
      const place = placeAt(address)
      const facts =
        place === undefined
          ? null
          : {
              kind: place.kind as PlaceFacts['kind'],
              name: placeWord(world, place),
              members: [...place.members],
              outsiders: [...readersOf(world, place)].some(isOutsider(world)),
            }
      await arrive(address)
      return facts
    },
    async canRead(address, account) {
      const place = placeAt(address)
      const reads = place !== undefined && readersOf(world, place).has(account)
      await arrive(address)
      return reads
    },
  }
}

export const addressOf = (key: string): PlaceAddress => {
  const [, workspaceId = '', channelId = '', threadId] = key.split('/')
  return { platform, workspaceId, channelId, threadId }
}

/** Something happens in the world; what the platform says of it. */
export type Happening = (world: World) => PlaceChange[]

const changed = (place: WorldPlace): PlaceChange => ({ kind: 'changed', place: addressOf(place.key) })

export function leave(place: WorldPlace, account: string): PlaceChange[] {
  place.members.delete(account)
  return [{ kind: 'left', place: addressOf(place.key), account }]
}

/** Who leaves a channel leaves its threads. */
export function leaveWithThreads(world: World, place: WorldPlace, account: string): PlaceChange[] {
  for (const thread of world.places.values())
    if (thread.key.startsWith(`${place.key}/`) && thread.kind !== 'for') thread.members.delete(account)
  return leave(place, account)
}

export function join(place: WorldPlace, account: string): PlaceChange[] {
  place.members.add(account)
  return [{ kind: 'joined', place: addressOf(place.key), account }]
}

export function turnInto(place: WorldPlace, kind: 'private' | 'public' | 'external'): PlaceChange[] {
  place.kind = kind
  return [changed(place)]
}

export function archive(place: WorldPlace): PlaceChange[] {
  return [changed(place)]
}

export function removeParley(world: World, place: WorldPlace): PlaceChange[] {
  place.removed = true
  for (const shared of world.shares.values()) {
    shared.delete(place.key)
    for (const key of shared) if (key.startsWith(`${place.key}/`)) shared.delete(key)
  }
  return [{ kind: 'removed', place: addressOf(place.key) }]
}

export function accountGone(world: World, id: string): PlaceChange[] {
  const account = world.accounts.get(id)
  if (account === undefined) return []
  account.gone = true
  for (const place of world.places.values()) if (isOrdinary(place)) place.members.delete(id)
  return [{ kind: 'accountGone', platform, workspaceId: account.workspace, account: id }]
}
