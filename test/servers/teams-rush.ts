/** Many people ask at once in the simulated Teams: measures acknowledgements, answers and their order. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Person, TeamsStandIn } from './teams.ts'
import { createPeople, thread } from './teams-people.ts'
import { isFinished, isReply, until } from './teams-state.ts'

export interface TeamsRush {
  mentions: number
  /** Each is a thread of a channel. */
  threads: number
  /** They are spread evenly over this time. */
  overMs: number
  /** How long the last answer may take. */
  settleMs: number
}

const crowd = 10

export async function rushTeams(teams: TeamsStandIn, { mentions, threads, overMs, settleMs }: TeamsRush) {
  const people = createPeople(teams)
  const persons = Array.from({ length: crowd }, (_, at): Person => {
    const person = { id: `29:1rush-${at}`, name: `Person ${at}`, aadObjectId: `dddddddd-0000-4000-8000-${at + 1e11}` }
    teams.people.set(person.id, person)
    return person
  })
  const places = Array.from({ length: threads }, () => ({ place: thread(teams.state.nextId()), asked: [] as number[] }))
  const acks: number[] = []
  let refused = 0
  const sent = Array.from({ length: mentions }, async (_, at) => {
    await sleep((overMs * at) / mentions)
    const { place, asked } = places[at % threads] ?? fail()
    const n = asked.push(performance.now()) - 1
    const root = /messageid=(\d+)/.exec(place.conversation)?.[1]
    const first = n === 0 && root !== undefined ? { id: root } : {}
    const begun = performance.now()
    const { status } = await people.say(place, `question ${n}`, { from: persons[n % crowd] ?? fail(), ...first })
    acks.push(performance.now() - begun)
    if (status !== 200) refused += 1
  })
  await Promise.all(sent)
  /** By the id of the finished message: when it was first seen so. */
  const ends = new Map<string, number>()
  const finishedIn = (conversation: string) => teams.state.messages(conversation).filter(isReply).filter(isFinished)
  const look = () => {
    for (const { place } of places)
      for (const { id } of finishedIn(place.conversation)) if (!ends.has(id)) ends.set(id, performance.now())
    return places.every(({ place, asked }) => finishedIn(place.conversation).length >= asked.length) || undefined
  }
  await until(look, 'all answers', settleMs).catch(() => undefined)
  const answers: number[] = []
  let unanswered = 0
  let outOfOrder = 0
  for (const { place, asked } of places) {
    const times = finishedIn(place.conversation).map(({ id }) => ends.get(id) ?? 0)
    unanswered += asked.length - times.length
    if (times.some((time, at) => at > 0 && time < (times[at - 1] ?? 0))) outOfOrder += 1
    for (const [at, time] of times.entries()) answers.push(time - (asked[at] ?? time))
  }
  return { acks, answers, refused, unanswered, outOfOrder }
}

function fail(): never {
  throw new Error('there is none')
}
