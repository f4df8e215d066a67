/**
 * The leak matrix through whole turns: intake → gather → plan → request to the model → answer → receipt → events → log → what is stored,
 * and then `why` and "Search what only I can see". Whatever leaves Parley may name only what the oracle in leak-world.ts allows those who
 * get it, at that moment; and the model is given all that the oracle says must be found.
 */
import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'vitest'
import { explain } from '../src/admin/commands/why.ts'
import { searchForMe } from '../src/answer/for-me.ts'
import { ParleyError } from '../src/core/errors.ts'
import { type Log, silentLog } from '../src/core/log.ts'
import type { Author, IncomingMessage } from '../src/core/message.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider } from '../src/models/model.ts'
import { createExtractiveProvider } from '../src/models/providers/extractive.ts'
import { plainRules } from '../src/routing/rules.ts'
import type { Database } from '../src/store/database.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { createUsage } from '../src/store/usage.ts'
import { createTurn } from '../workers/turn.ts'
import { message } from './fakes/message.ts'
import { perMillion } from './fakes/model.ts'
import { createFakePlatform } from './fakes/platform.ts'
import { intakeOn } from './intake-rig.ts'
import { beginLife, happenings, question } from './leak-life.ts'
import type { WorldAudience } from './leak-world.ts'
import * as w from './leak-world.ts'
import { jobContext, turnRig } from './worker-rig.ts'

/** Turns under way at the same time. */
const atOnce = 4
const channels = ['parley:turn', 'parley:step', 'parley:retrieval', 'parley:model']

interface Asking {
  audience: WorldAudience
  waiting: string | undefined
}

export interface LeakTurns {
  /** Turns that ended. */
  turns: number
  regenerated: number
  /** Pairs of a turn and a content. */
  cases: number
  /** Contents that were given to models. */
  given: number
}

/** On an empty database. Each happening comes `runs` times; after each, every `share`th audience asks. Fails with the story of the first leak. */
export async function leakTurns(database: Database, seed: number, runs: number, share: number): Promise<LeakTurns> {
  const life = await beginLife(database, seed)
  const { world, trail } = life
  const turns = createTurns(database)
  const intake = intakeOn(database, async (author) => authorOf(author.id))
  const counted: LeakTurns = { turns: 0, regenerated: 0, cases: 0, given: 0 }
  const asked = new Map<string, string[]>()
  const askers = new Map<string, string>()
  const events: object[] = []
  const listen = (event: unknown) => void events.push({ ...(event as object) })
  const names = channels.flatMap((name) => ['start', 'error', 'asyncEnd'].map((at) => `tracing:${name}:${at}`))
  for (const name of names) subscribe(name, listen)

  const story = (audience: WorldAudience, what: string) =>
    `seed ${seed}, ${what} of ${audience.name} after\n${trail.join('\n')}`

  function check(audience: WorldAudience, what: string, said: unknown, places = [audience]): void {
    const { contents, places: named } = w.wordsIn(world, typeof said === 'string' ? said : JSON.stringify(said))
    const allowed = life.mayBeTold(audience)
    const leaked = [
      ...contents.filter((content) => !allowed.has(content)),
      ...named.flatMap((place) => (places.every((each) => w.mayBeTold(world, each, place)) ? [] : [place.key])),
    ]
    if (leaked.length > 0) {
      const text = typeof said === 'string' ? said : JSON.stringify(said)
      const at = text.search(new RegExp(`zq${leaked[0]?.slice(2, -1)}q|zs${leaked[0]?.slice(2, -1)}t`))
      expect.fail(`${leaked} in ${what}: ${story(audience, what)}\n${text.slice(Math.max(0, at - 500), at + 500)}`)
    }
  }

  function authorOf(id: string): Author {
    const account = world.accounts.get(id)
    const membership = account === undefined || account.kind === 'member' ? undefined : account.kind
    return { id, name: 'x', membership, personId: account?.person }
  }

  function questionOf(audience: WorldAudience): IncomingMessage {
    const { platform, workspaceId, channelId, threadId } = w.addressOf(audience.place)
    const reader = audience.account ?? life.pick([...w.readersOf(world, placeOf(audience) ?? nowhere)]) ?? 'nobody'
    const direct = audience.account !== undefined && channelId.startsWith('direct-')
    const conversation = { platform, workspaceId, channelId, threadId: threadId ?? randomUUID() }
    return {
      ...message({ text: question }),
      conversation,
      replyTarget: { conversation, data: {} },
      ownPlace: threadId === undefined ? undefined : true,
      author: authorOf(reader),
      kind: direct ? 'direct' : 'mention',
      private: audience.account !== undefined && !direct ? true : undefined,
    }
  }
  const placeOf = ({ place }: WorldAudience) => world.places.get(place)
  const nowhere: w.WorldPlace = { key: '', workspace: '', kind: 'private', members: new Set(), removed: true }

  /** A worker of its own, whose model fails or not, so that it is known what was said in which turn. */
  async function openSlot(fails: boolean) {
    const requests: unknown[] = []
    const logged: unknown[] = []
    const note = (fields: object, event: string) => void logged.push([fields, event])
    const log: Log = { debug: note, info: note, warn: note, error: note }
    const provider: ModelProvider = {
      name: 'cloud',
      models: async () => [],
      async *stream(request) {
        requests.push(request)
        if (fails) throw new ParleyError('model_unreachable', 'It does not answer. Please ask again.')
        yield { type: 'start', model: request.model }
        // It cites all that it was given.
        const given = request.messages.flatMap(({ parts }) => parts)
        for (const part of given)
          if (part.type === 'passage') yield { type: 'text', delta: `It is there [${part.source}]. ` }
        yield { type: 'text', delta: 'So.' }
        yield { type: 'finish', reason: 'stop' }
      },
    }
    const quoting = createExtractiveProvider()
    const configured = [
      {
        ...{ id: 'm', provider: 'cloud', tier: 'medium' as const, price: perMillion('1', '1') },
        ...{ contextWindow: 200_000, maxOutputTokens: 4_000 },
      },
    ]
    const fake = createFakePlatform()
    const deps = await turnRig(database, {
      models: {
        catalogue: createCatalogue({ configured, providers: [provider, quoting], defaultModel: 'm', log: silentLog }),
        provider: (name) => (name === 'cloud' ? provider : quoting),
      },
      messaging: { platform: () => fake.platform },
      places: w.placesOf(world),
      limits: { promptTokens: 60_000 },
      log,
    })
    const run = createTurn(deps)
    return async (turnId: string) => {
      requests.length = logged.length = fake.calls.length = 0
      for (const told of [fake.posted, fake.notices, fake.told, fake.attached]) told.clear()
      await run({ v: 1, turnId }, jobContext(true))
      const posted = [fake.posted, fake.notices, fake.told].map((told) => [...told.values()])
      return { prompt: JSON.stringify(requests), logged, posted, calls: fake.calls, thoughts: fake.thoughts }
    }
  }

  const openSlots = async () => ({ run: await openSlot(false), failing: await openSlot(true) })

  async function stored(turnId: string): Promise<{ parts: unknown }> {
    const { rows } = await database.pool.query<{ parts: unknown }>(
      `select to_jsonb(turn) as turn, array(select to_jsonb(part) from reply_part part where turn_id = turn.id) as parts,
         array(select to_jsonb(step) from turn_step step where turn_id = turn.id) as steps from turn where id = $1`,
      [turnId],
    )
    return rows[0] ?? { parts: [] }
  }

  /** `waiting`: asked before what happened last. */
  async function turnOf(
    { audience, waiting }: Asking,
    kind: string,
    { run, failing }: Awaited<ReturnType<typeof openSlots>>,
  ): Promise<void> {
    // What happens meanwhile may cost something that could be found before, and who links an account asks again.
    const quiet = world.between === undefined && (waiting === undefined || !/linked$/.test(kind))
    // Answers in the history stay what they are, so a thread that goes on has none that quotes.
    const goesOn = w.addressOf(audience.place).threadId !== undefined
    const fails = counted.turns % 7 === 3 && !goesOn
    const earlier = waiting === undefined ? life.pick(asked.get(audience.name) ?? []) : undefined
    const again = earlier !== undefined && counted.turns % 2 === 0
    const turnId = waiting ?? (again ? await regenerate(earlier, audience) : await accept(audience))
    const said = await (fails ? failing : run)(turnId)
    for (const [what, text] of Object.entries(said)) check(audience, what, text)
    // A regenerated answer takes over the messages of the one before: they say what that said.
    const { parts, ...row } = await stored(turnId)
    check(audience, 'what is stored', again ? row : [row, parts])
    const own = events.filter((event) => 'turnId' in event && event.turnId === turnId)
    check(audience, 'the events', own)
    expect(own.length).toBeGreaterThan(3)
    const found = Math.max(0, ...own.map((event) => ('found' in event ? Number(event.found) : 0)))
    expect(found, story(audience, 'the count in an event')).toBeLessThanOrEqual(life.mayBeTold(audience).size)
    const outcome = await turns.ended(turnId)
    expect(outcome?.state, story(audience, 'the end')).toBe('done')
    // A model that fails again and again is not asked.
    if (quiet && !fails) {
      const prompt = new Set(w.wordsIn(world, said.prompt).contents)
      const missed = life.mustBeFound(audience).filter((content) => !prompt.has(content))
      if (missed.length > 0) expect.fail(`${missed} missed: ${story(audience, 'the prompt')}`)
      const cited = new Set(w.wordsIn(world, JSON.stringify(outcome?.citations)).contents)
      expect([...prompt].filter((content) => !cited.has(content))).toEqual([])
      counted.given += prompt.size
    }
    // What was regenerated is regenerated from its new answer.
    const others = goesOn ? [] : (asked.get(audience.name) ?? []).filter((each) => each !== earlier || !again)
    asked.set(audience.name, [...others, turnId])
    counted.turns += 1
    counted.regenerated += again ? 1 : 0
    counted.cases += world.shares.size
    await buttonsOf(audience, turnId)
  }

  async function accept(audience: WorldAudience): Promise<string> {
    const asking = questionOf(audience)
    const turnId = await intake.asked(asking)
    askers.set(turnId, asking.author.id)
    return turnId
  }

  async function regenerate(turnId: string, { place }: WorldAudience): Promise<string> {
    const asker = askers.get(turnId) ?? ''
    const { workspaceId } = w.addressOf(place)
    const pressed = await intake.press({ kind: 'regenerate', turnId }, authorOf(asker), { workspaceId })
    if (pressed.turnId === undefined) throw new Error(`not regenerated: ${JSON.stringify(pressed)}`)
    askers.set(pressed.turnId, asker)
    return pressed.turnId
  }

  /** Somebody who reads the answer presses "Why" and "Search what only I can see". */
  async function buttonsOf(audience: WorldAudience, turnId: string): Promise<void> {
    const place = placeOf(audience)
    const presser = audience.account ?? (place && life.pick([...w.readersOf(world, place)]))
    const account = world.accounts.get(presser ?? '')
    if (account === undefined || account.gone) return
    const by = authorOf(account.id)
    const alone: WorldAudience = { ...audience, name: `${account.id} in ${audience.name}`, account: account.id }
    const why = await explain(
      {
        turns,
        usage: createUsage(database),
        showsThoughts: () => false,
        searchedPlaces: life.places.searched,
        accounts: () => undefined,
      },
      turnId,
      by,
    )
    check(audience, 'why', why, [audience, alone])
    if (audience.account !== undefined) return
    const { memory, index } = life
    const mine = { turns, memory, index, rules: async () => plainRules, accounts: () => undefined }
    check(alone, 'what only they can see', await searchForMe(mine, turnId, by))
  }

  try {
    const slots = await Promise.all(Array.from({ length: atOnce }, openSlots))
    for (const [step, kind] of ['nothing' as const, ...life.script(runs)].entries()) {
      const audiences = () => w.audiencesOf(world).filter((_, at) => at % share === step % share)
      // Every other question waits while it happens.
      const waiting = new Map<string, string>()
      for (const [at, audience] of audiences().entries())
        if (at % 2 === 0) waiting.set(audience.name, await accept(audience))
      if (kind !== 'nothing') await life.happen(kind)
      const asking = audiences().map((audience): Asking => ({ audience, waiting: waiting.get(audience.name) }))
      // What is to happen in between happens in the first turn.
      const [first] = slots
      if (world.between !== undefined && first !== undefined) await turnOf(asking.shift() ?? nobody(), kind, first)
      world.between = undefined
      await Promise.all(
        slots.map(async (slot) => {
          for (let next = asking.shift(); next !== undefined; next = asking.shift()) await turnOf(next, kind, slot)
        }),
      )
      events.length = 0
      life.calm()
    }
    expect([...life.happened].sort()).toEqual([...happenings].sort())
    await nothingOfTheUnshared()
    return counted
  } finally {
    for (const name of names) unsubscribe(name, listen)
  }

  function nobody(): never {
    throw new Error('nobody asks')
  }

  /** What is shared nowhere any more is in no answer, whenever that was given. */
  async function nothingOfTheUnshared(): Promise<void> {
    const gone = [...world.shares].flatMap(([content, keys]) => (keys.size === 0 ? [content] : []))
    expect(gone.length).toBeGreaterThan(0)
    const { rows } = await database.pool.query<{ kept: string }>(
      `select concat(citation::text, turn.receipt::text) as kept from turn, jsonb_array_elements(turn.outcome -> 'citations') citation`,
    )
    for (const { kept } of rows) {
      const found = w.wordsIn(world, kept).contents.filter((content) => gone.includes(content))
      if (found.length > 0) expect.fail(`${found} kept in an answer: seed ${seed}, after\n${trail.join('\n')}`)
    }
  }
}
