/**
 * The leak matrix: every audience of a small world against every content of it, after everything that can happen to its places, people
 * and files. What Parley finds, reads again and opens must be what the oracle in leak-world.ts allows, at each moment.
 */
import { expect } from 'vitest'
import { spenderOf } from '../src/core/scope.ts'
import { placeValues } from '../src/search/providers/visible.ts'
import type { Database } from '../src/store/database.ts'
import { beginLife, happenings, hashOf, question } from './leak-life.ts'
import type { WorldAudience } from './leak-world.ts'
import * as w from './leak-world.ts'

/** On an empty database. Each happening comes `runs` times, in the order of the seed. Fails with the story of the first leak; returns what was compared. */
export async function leakMatrix(
  database: Database,
  seed: number,
  runs: number,
): Promise<{ cases: number; happened: string[] }> {
  const life = await beginLife(database, seed)
  const { world, index, memory, trail } = life
  const { query } = database
  let cases = 0
  const contentOf = (hash: string) => [...world.shares.keys()].find((content) => hashOf(content) === hash) ?? hash

  function compare(audience: WorldAudience, what: string, found: readonly string[], complete: boolean): void {
    const allowed = life.mayBeTold(audience)
    cases += world.shares.size
    const story = () => `seed ${seed}, ${what} of ${audience.name} after\n${trail.join('\n')}`
    const leaked = found.filter((title) => !allowed.has(title))
    if (leaked.length > 0)
      expect.fail(`told ${leaked.map((title) => `${title} of ${[...(world.shares.get(title) ?? [])]}`)}: ${story()}`)
    if (!complete) return
    const missed = life.mustBeFound(audience).filter((title) => !found.includes(title))
    if (missed.length > 0)
      expect.fail(`missed ${missed.map((title) => `${title} of ${[...(world.shares.get(title) ?? [])]}`)}: ${story()}`)
  }

  /** What the rule says right now, for all audiences in one statement. */
  async function compareRule(): Promise<void> {
    const audiences = w.audiencesOf(world)
    const values = audiences.map((audience) => placeValues(audience))
    const rows = await query<{ at: number; found: string[]; may: string[] }>(
      {
        name: 'leak_rule',
        text: `
      select (asking.at)::int as at, array(select distinct content_hash from share where place_key in (select key from audience_places(
        asking.place, asking.platform, asking.workspace, asking.account, asking.person, asking.outsider))) as found,
        array(select distinct content_hash from share where audience_may_see(share.content_hash,
          asking.place, asking.platform, asking.workspace, asking.account, asking.person, asking.outsider)) as may
      from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::boolean[]) with ordinality
        as asking (place, platform, workspace, account, person, outsider, at)`,
      },
      [0, 1, 2, 3, 4, 5].map((column) => values.map((row) => row[column])),
    )
    for (const { at, found: hashes, may: opened } of rows) {
      const audience = audiences[at - 1]
      if (audience === undefined) throw new Error('no such audience')
      compare(audience, 'the rule', hashes.map(contentOf), false)
      compare(audience, 'opening', opened.map(contentOf), false)
    }
  }

  async function compareSearch(audience: WorldAudience): Promise<void> {
    // What happens meanwhile may cost something that could be found before.
    const quiet = world.between === undefined
    const asked = { conversation: audience.place, place: audience.place, asker: audience.asker }
    const signal = AbortSignal.timeout(60_000)
    const spender = spenderOf(w.addressOf(audience.place), { id: 'x' })
    const found = await memory.find(question, { audience: asked, except: [], floor: 0, signal, spender })
    compare(
      audience,
      'the search',
      found.map(({ contentHash }) => contentOf(contentHash)),
      quiet,
    )
    const refs = [...world.shares.keys()].map((title) => ({ contentHash: hashOf(title), engine: 'pdf-1', ordinal: 0 }))
    const read = await index.read(refs, { audience: asked, signal })
    compare(
      audience,
      'reading again',
      read.map(({ contentHash }) => contentOf(contentHash)),
      false,
    )
  }

  await compareRule()
  for (const [step, kind] of ['nothing' as const, ...life.script(runs)].entries()) {
    if (kind !== 'nothing') await life.happen(kind)
    await compareRule()
    // An audience in three: each has its turn, whatever happens.
    for (const [at, audience] of w.audiencesOf(world).entries())
      if (step === 0 || at % 3 === step % 3) await compareSearch(audience)
    life.calm()
  }
  expect([...life.happened].sort()).toEqual([...happenings].sort())
  return { cases, happened: trail }
}
