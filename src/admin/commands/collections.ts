/** What Parley knows beside what people share with it: `learn …` and `collections …`. The page's screen calls the same store. */

import {
  type CollectionAbout,
  type Collections,
  mayBeGranted,
  type NewSource,
  readAddress,
  refreshHoursOf,
  refreshing,
  type SourceAbout,
  siteLimit,
} from '../../core/collections.ts'
import { ParleyError } from '../../core/errors.ts'
import { conversationKey } from '../../core/message.ts'
import { type PlaceAddress, placeKey } from '../../core/place.ts'
import { type Scope, scopeOf, scopesOf } from '../../core/scope.ts'
import { collectionWording as wording } from '../../wording/collections.ts'
import { scopeName } from '../../wording/commands.ts'
import { bulleted } from '../../wording/phrases.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { canChange } from '../grants.ts'
import { demand, type Place, scopeOfPlace } from '../place.ts'

export interface CollectionDeps {
  collections: Collections
  /** Whether the platform lists pinned files. */
  hasPins(platform: string): boolean
}

export function collectionCommands({ collections, hasPins }: CollectionDeps): Command[] {
  const collection = () => ({
    ...arg.word('A collection, by name or id', 200),
    suggest: async () =>
      (await collections.list()).filter(({ grants }) => grants.includes('all')).map(({ name }) => name),
  })

  return [
    define({
      name: 'learn',
      summary: 'Makes a page, a site, a file of this channel or its pinned files known for answers',
      role: 'manager',
      changes: true,
      args: {
        what: arg.word('A link, the name of a file that was shared here, or `pins` for the pinned files', 2000),
        pages: arg.optional(arg.number('Also reads the pages below the link, up to this number', 1, siteLimit)),
        refresh: arg.optional(arg.choice('How often it is read again; weekly by default', refreshing)),
        as: arg.optional(arg.word('The collection that it becomes a part of', 100)),
        for: arg.optional(arg.place('Who may be told: channel (the default), workspace, team:…, or everybody')),
      },
      examples: [
        'learn https://docs.example.com/ pages 100 as handbook',
        'learn "price list.pdf" as sales for workspace',
        'learn pins for team:Research refresh daily',
      ],
      async run({ what, pages, refresh, as, for: place }, caller) {
        const source = await read(what, pages, refreshHoursOf(refresh ?? 'weekly'), caller)
        const { id, name, scope } = await into(as ?? source.collection, place, caller)
        await collections.add(id, source.source, { by: caller.by, spender: caller.spender })
        const who = scopeName(scope, caller.spender, caller.names)
        return { text: wording.learned(source.source.kind, source.collection, name, who) }
      },
    }),
    define({
      name: 'collections list',
      summary: 'Lists the collections that you may see',
      role: 'member',
      args: {},
      examples: ['collections list'],
      async run(_, caller) {
        const seen = (await collections.list()).filter((each) => maySee(each, caller))
        return { text: seen.length === 0 ? wording.none : bulleted(seen.map(wording.line)), private: true }
      },
    }),
    define({
      name: 'collections show',
      summary: 'Shows what is in a collection, who may be told of it, and what could not be read',
      role: 'member',
      args: { collection: collection() },
      examples: ['collections show handbook'],
      async run({ collection: typed }, caller) {
        const found = await named(typed, caller)
        const audience = found.grants.map((scope) => scopeName(scope as Scope, caller.spender, caller.names))
        return { text: wording.about(found, audience), private: true }
      },
    }),
    define({
      name: 'collections refresh',
      summary: 'Reads links, sites and pinned files again',
      role: 'manager',
      changes: true,
      args: { collection: collection(), source: arg.optional(arg.number('One of its parts, by number', 1, 1_000)) },
      examples: ['collections refresh handbook', 'collections refresh handbook 2'],
      async run({ collection: typed, source: number }, caller) {
        const found = await changeable(typed, caller)
        const source = number === undefined ? undefined : partOf(found, number)
        const work = await collections.refresh(found.id, source?.id)
        return { text: wording.refreshing(source?.title ?? found.name, work.length) }
      },
    }),
    define({
      name: 'collections share',
      summary: 'Lets Parley tell more people what is in a collection, or fewer',
      role: 'manager',
      changes: true,
      args: {
        collection: collection(),
        for: arg.place('Who may be told: channel, workspace, team:… or everybody'),
        remove: arg.flag('Takes it away again'),
      },
      examples: ['collections share handbook for workspace', 'collections share handbook for <#C123> --remove'],
      async run({ collection: typed, for: place, remove }, caller) {
        const found = await changeable(typed, caller)
        const scope = await grantable(place, caller)
        const who = scopeName(scope, caller.spender, caller.names)
        if (remove) await collections.revoke(found.id, scope, caller.by)
        else await collections.grant(found.id, scope, caller.by)
        return { text: remove ? wording.unshared(found.name, who) : wording.shared(found.name, who) }
      },
    }),
    define({
      name: 'collections remove',
      summary: 'Removes a collection or one of its parts, and all that was read of it',
      role: 'manager',
      changes: true,
      args: {
        collection: collection(),
        source: arg.optional(arg.number('One of its parts, by number', 1, 1_000)),
        yes: arg.flag('Removes at once, without asking'),
      },
      examples: ['collections remove handbook', 'collections remove handbook 2'],
      async run({ collection: typed, source: number, yes }, caller) {
        const found = await changeable(typed, caller)
        const source = number === undefined ? undefined : partOf(found, number)
        const name = source?.title ?? found.name
        if (!yes) {
          const text = ['collections remove', found.id, ...(number === undefined ? [] : [number]), '--yes'].join(' ')
          return {
            text: wording.askRemove(name, source === undefined ? found.sources : [source]),
            buttons: [{ label: wording.remove, style: 'danger', action: { kind: 'command', text } }],
            private: true,
          }
        }
        if (source === undefined) await collections.remove(found.id, caller.by)
        else await collections.removeSource(found.id, source.id, caller.by)
        return { text: wording.removed(name) }
      },
    }),
  ]

  /** The source, and the collection that it belongs to if nobody names one. */
  async function read(
    typed: string,
    pages: number | undefined,
    refreshHours: number | undefined,
    { call }: Caller,
  ): Promise<{ source: NewSource; collection: string }> {
    const place = placeOfCall(call.conversation)
    const link = readAddress(typed)
    if (link !== undefined) {
      const { key, address, site } = link
      const common = { key, address, title: address, refreshHours }
      const source: NewSource = pages === undefined ? { kind: 'link', ...common } : { kind: 'site', pages, ...common }
      return { source, collection: site }
    }
    if (pages !== undefined) throw new ParleyError('command_invalid', wording.pagesOfLinks)
    if (/^(?:pins|pinned)$/i.test(typed)) {
      if (call.direct === true || !hasPins(place.platform)) throw new ParleyError('command_invalid', wording.noPins)
      return { source: { kind: 'pins', place, title: wording.pins, refreshHours }, collection: wording.pins }
    }
    const share = await collections.sharedFile(conversationKey(call.conversation), placeKey(place), typed)
    if (share === null) throw new ParleyError('command_invalid', wording.noFile(typed))
    return { source: { kind: 'file', share }, collection: share.title }
  }

  /** The collection of this name that the caller can change, or a new one. */
  async function into(name: string, place: Place | undefined, caller: Caller) {
    const [known] = (await collections.list()).filter((each) => isNamed(each, name) && mayChange(each, caller))
    const scope = place === undefined && known !== undefined ? undefined : await grantable(place, caller)
    if (known === undefined) {
      const first = scope ?? scopeOf.channel(caller.spender)
      return { id: (await collections.create(name, first, caller.by)).id, name, scope: first }
    }
    if (scope !== undefined) await collections.grant(known.id, scope, caller.by)
    return { id: known.id, name: known.name, scope: scope ?? ((known.grants[0] ?? 'all') as Scope) }
  }

  /** Throws `command_invalid`, `command_forbidden`. */
  async function grantable(place: Place | undefined, caller: Caller): Promise<Scope> {
    if (place === undefined && caller.call.direct === true)
      throw new ParleyError('command_invalid', wording.audienceMissing)
    const scope = await scopeOfPlace(place ?? { kind: 'channel' }, caller)
    if (!mayBeGranted(scope)) throw new ParleyError('command_invalid', wording.audienceMissing)
    demand(caller, scope)
    return scope
  }

  /** Nobody is told the name of one that they may not see. Throws `command_invalid`. */
  async function named(typed: string, caller: Caller): Promise<CollectionAbout> {
    const [found, another] = (await collections.list()).filter((each) => isNamed(each, typed) && maySee(each, caller))
    if (found === undefined) throw new ParleyError('command_invalid', wording.unknown(typed))
    if (another !== undefined) throw new ParleyError('command_invalid', wording.several(typed))
    return found
  }

  async function changeable(typed: string, caller: Caller): Promise<CollectionAbout> {
    const found = await named(typed, caller)
    if (!mayChange(found, caller)) throw new ParleyError('command_forbidden', wording.notYours(found.name))
    return found
  }
}

function partOf({ name, sources }: CollectionAbout, number: number): SourceAbout {
  const found = sources[number - 1]
  if (found === undefined) throw new ParleyError('command_invalid', wording.noPart(name, sources.length))
  return found
}

const isNamed = ({ id, name }: CollectionAbout, typed: string) =>
  id === typed.toLowerCase() || name.toLowerCase() === typed.toLowerCase()

/** Who may change a collection: whoever may grant it to each of its audiences. */
function mayChange({ grants: scopes }: CollectionAbout, { grants, spender }: Caller): boolean {
  return scopes.every((scope) => canChange(grants, scope as Scope, spender))
}

function maySee(collection: CollectionAbout, caller: Caller): boolean {
  const own: readonly string[] = scopesOf(caller.spender)
  return collection.grants.some((scope) => own.includes(scope)) || mayChange(collection, caller)
}

function placeOfCall({ platform, workspaceId, channelId }: PlaceAddress): PlaceAddress {
  return { platform, workspaceId, channelId }
}
