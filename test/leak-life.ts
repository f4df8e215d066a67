/**
 * The life of the small world in leak-world.ts on a database: what can happen to its places, people and files, each as the platforms tell it.
 * Each content, each share and each place has a word that nothing else has.
 */
import { createHash, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { silentLog } from '../src/core/log.ts'
import type { PlaceChange } from '../src/core/place.ts'
import { createMemory } from '../src/search/memory.ts'
import { createPlaceReaders } from '../src/search/places.ts'
import { createPlaceRows } from '../src/search/providers/places-postgres.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { artifactOf } from '../src/search/retriever.contract.ts'
import type { Database } from '../src/store/database.ts'
import { knowBlobs } from './fixtures/blobs.ts'
import type { WorldAudience, WorldPlace } from './leak-world.ts'
import * as w from './leak-world.ts'

const workspaces = ['one', 'two']
/** Every content answers it. */
export const question = 'Where is the heron?'

/** What can happen, and how often it is tried. */
export const happenings = [
  'share',
  'unshare',
  'leave',
  'join',
  'guestJoins',
  'madePrivate',
  'madePublic',
  'sharedExternally',
  'archived',
  'removed',
  'accountGone',
  'linked',
  'unlinked',
  'silent',
  'stale',
  'leavesBetween',
  'joinsBetween',
  'madePrivateBetween',
] as const

export type Life = Awaited<ReturnType<typeof beginLife>>

/** On an empty database. */
export async function beginLife(database: Database, seed: number) {
  const world = w.createWorld(workspaces)
  const { query } = database
  const index = createPassageIndex(database.lasting)
  const rows = createPlaceRows(database.lasting)
  const places = createPlaceReaders({ rows, places: () => w.placesOf(world), log: silentLog })
  const memory = createMemory({ retriever: index, places })
  const pick = choices(seed)
  let contents = 0
  const trail: string[] = []
  const happened = new Set<string>()

  async function share(place: WorldPlace, title = w.contentWord(contents++)): Promise<void> {
    const words = Array.from({ length: 12 }, (_, at) => `${title}word${at}`).join(' ')
    const shareWord = w.shareWord(world, title, place)
    const artifact = artifactOf(title, [`The heron is here: ${words}.`])
    await knowBlobs(database.pool, artifact.contentHash)
    await index.add(artifact)
    const { platform, workspaceId, channelId, threadId } = w.addressOf(place.key)
    const alone = place.kind === 'direct' || place.kind === 'for'
    const kind = place.kind === 'collection' ? 'collection' : alone ? 'direct' : 'private'
    await query(
      {
        name: 'leak_place',
        text: `insert into place (key, platform, workspace_id, channel_id, thread_id, kind, name)
      values ($1, $2, $3, $4, $5, $6::place_kind, $7) on conflict do nothing`,
      },
      [
        place.key,
        platform,
        workspaceId,
        channelId,
        place.kind === 'for' ? null : (threadId ?? null),
        kind,
        kind === 'collection' ? w.placeWord(world, place) : null,
      ],
    )
    if (alone)
      await query(
        {
          name: 'leak_reader',
          text: `insert into place_member (place_key, account, reads) values ($1, $2, true) on conflict do nothing`,
        },
        [place.key, [...place.members][0]],
      )
    await query(
      {
        name: 'leak_share',
        text: `insert into share (id, place_key, content_hash, engine, title, shared_by, link, shared_at)
      values (gen_random_uuid()::text, $1, $2, 'pdf-1', $3 || '.pdf', $3 || 'by', 'https://files.example/' || $3, now())`,
      },
      [place.key, artifact.contentHash, shareWord],
    )
    const known = world.shares.get(title) ?? new Set()
    world.shares.set(title, known.add(place.key))
  }

  async function linkPeople(): Promise<void> {
    const accounts = [...world.accounts.values()]
    await query(
      {
        name: 'leak_persons',
        text: `insert into person (id, name) select distinct id::uuid, 'x' from unnest($1::text[]) id on conflict do nothing`,
      },
      [accounts.map(({ person }) => person)],
    )
    await query({ name: 'leak_unlink', text: `delete from identity` }, [])
    await query(
      {
        name: 'leak_link',
        text: `insert into identity (provider, issuer, subject, person_id) select 'test', * from unnest($1::text[], $2::text[], $3::uuid[])`,
      },
      [accounts.map(({ workspace }) => workspace), accounts.map(({ id }) => id), accounts.map(({ person }) => person)],
    )
  }

  async function grantCollections(): Promise<void> {
    for (const { key, grant, workspace } of world.places.values()) {
      if (grant === undefined) continue
      let scope = grant.scope
      if (grant.team !== undefined) {
        const [team] = await query<{ id: string }>(
          { name: 'leak_team', text: `insert into team (id, name) values (gen_random_uuid(), $1) returning id` },
          [workspace],
        )
        scope = `team:${team?.id}`
        await query(
          {
            name: 'leak_team_members',
            text: `insert into team_member (team_id, person_id) select $1, * from unnest($2::uuid[])`,
          },
          [team?.id, [...grant.team]],
        )
      }
      await query(
        {
          name: 'leak_collection',
          text: `with made as (insert into collection (id, name, place_key, created_by) values (gen_random_uuid(), $1, $1, 'cli') returning id)
        insert into collection_grant (collection_id, scope) select id, $2 from made`,
        },
        [key, scope],
      )
    }
  }

  const ordinary = (...kinds: string[]) =>
    [...world.places.values()].filter(
      ({ kind, removed }) =>
        !removed && !['direct', 'for', 'collection'].includes(kind) && (kinds.length === 0 || kinds.includes(kind)),
    )
  const anybody = (workspace: string, ...kinds: string[]) =>
    [...world.accounts.values()].filter(
      (account) =>
        account.workspace === workspace && !account.gone && (kinds.length === 0 || kinds.includes(account.kind)),
    )

  async function deliver(changes: readonly PlaceChange[]): Promise<void> {
    for (const change of changes) await rows.change(change)
  }

  /** Between the platform's answer and its arrival, once, at whatever place is looked at first. */
  function between(what: (place: WorldPlace) => PlaceChange[]): void {
    world.between = async (address) => {
      const place = world.places.get(w.keyOf(address.workspaceId, address.channelId, address.threadId))
      if (place === undefined || place.removed || place.members.size === 0) return
      world.between = undefined
      await deliver(what(place))
    }
  }

  async function happen(kind: (typeof happenings)[number]): Promise<void> {
    const place = pick(ordinary())
    if (place === undefined) return
    const member = pick([...place.members])
    trail.push(`${kind} ${place.key} ${member ?? ''}`)
    happened.add(kind)
    switch (kind) {
      case 'share':
        await share(pick([...world.places.values()].filter(({ removed }) => !removed)) ?? place)
        return await share(place, pick([...world.shares.keys()]))
      case 'unshare': {
        const title = pick([...world.shares.keys()]) ?? ''
        const key = pick([...(world.shares.get(title) ?? [])]) ?? ''
        world.shares.get(title)?.delete(key)
        await query({ name: 'leak_unshare', text: 'delete from share where content_hash = $1 and place_key = $2' }, [
          hashOf(title),
          key,
        ])
        return
      }
      case 'leave':
        return await deliver(member === undefined ? [] : w.leaveWithThreads(world, place, member))
      case 'join':
        return await deliver(w.join(place, pick(anybody(place.workspace))?.id ?? ''))
      case 'guestJoins':
        return await deliver(
          w.join(
            pick(ordinary('private', 'public')) ?? place,
            pick(anybody(place.workspace, 'guest'))?.id ?? `${place.workspace}.guest`,
          ),
        )
      case 'madePrivate':
        return await deliver(w.turnInto(pick(ordinary('public')) ?? place, 'private'))
      case 'madePublic':
        return await deliver(w.turnInto(pick(ordinary('private')) ?? place, 'public'))
      case 'sharedExternally': {
        const shared = pick(ordinary('private', 'public')) ?? place
        return await deliver([...w.turnInto(shared, 'external'), ...w.join(shared, `${shared.workspace}.stranger`)])
      }
      case 'archived':
        return await deliver(w.archive(place))
      case 'removed':
        return await deliver(w.removeParley(world, place))
      case 'accountGone':
        return await deliver(w.accountGone(world, pick(anybody(place.workspace, 'member'))?.id ?? ''))
      case 'linked': {
        const [one, other] = [pick(anybody('one')), pick(anybody('two'))]
        if (one !== undefined && other !== undefined) other.person = one.person
        return await linkPeople()
      }
      case 'unlinked': {
        for (const account of world.accounts.values())
          if ([...world.accounts.values()].some((other) => other !== account && other.person === account.person))
            account.person = randomUUID()
        return await linkPeople()
      }
      case 'silent':
        world.silent.add(place.workspace)
        return
      case 'stale':
        // What nobody told: it is noticed once a minute has passed.
        if (member !== undefined) w.leaveWithThreads(world, place, member)
        place.members.add(pick(anybody(place.workspace))?.id ?? '')
        for (const table of ['place', 'place_member'])
          await query(
            { name: `leak_late_${table}`, text: `update ${table} set checked_at = checked_at - interval '61 seconds'` },
            [],
          )
        await query(
          {
            name: 'leak_late',
            text: `update place set members_at = members_at - interval '61 seconds', changed_at = changed_at - interval '61 seconds'`,
          },
          [],
        )
        return
      case 'leavesBetween':
        await query({ name: 'leak_again', text: 'update place set changed_at = now()' }, [])
        return between((at) => w.leaveWithThreads(world, at, pick([...at.members]) ?? ''))
      case 'joinsBetween':
        await query({ name: 'leak_again', text: 'update place set changed_at = now()' }, [])
        return between((at) => w.join(at, pick(anybody(at.workspace))?.id ?? ''))
      case 'madePrivateBetween':
        await query({ name: 'leak_again', text: 'update place set changed_at = now()' }, [])
        return between((at) => (at.kind === 'public' ? w.turnInto(at, 'private') : w.archive(at)))
    }
  }

  /** Contents that are shared in places of which this holds. */
  const contentsAt = (allowed: (place: WorldPlace) => boolean) =>
    [...world.shares]
      .filter(([, keys]) =>
        [...keys].some((key) => {
          const at = world.places.get(key)
          return at !== undefined && allowed(at)
        }),
      )
      .map(([content]) => content)

  await linkPeople()
  for (const place of world.places.values()) await share(place)
  await grantCollections()
  return {
    world,
    index,
    places,
    memory,
    pick,
    /** What happened, as a story. */
    trail,
    happened,
    happen,
    /** Each happening so many times, in the order of the seed. */
    script: (runs: number) =>
      fc.sample(fc.shuffledSubarray([...happenings], { minLength: happenings.length }), { seed, numRuns: runs }).flat(),
    mayBeTold: (audience: WorldAudience) => new Set(contentsAt((place) => w.mayBeTold(world, audience, place))),
    mustBeFound: (audience: WorldAudience) => contentsAt((place) => w.mustBeFound(world, audience, place)),
    /** After a step: what was to happen once does not happen any more, and the platforms answer again. */
    calm() {
      world.between = undefined
      world.silent.clear()
    },
  }
}

export const hashOf = (content: string) => createHash('sha256').update(content).digest('hex')

/** Choices that are the same for one seed. */
function choices(from: number) {
  let state = from % 2_147_483_647
  return <Each>(of: readonly Each[]): Each | undefined => {
    state = (state * 48_271) % 2_147_483_647
    return of[state % Math.max(1, of.length)]
  }
}
