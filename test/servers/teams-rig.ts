/** The rig for the platform contract on the simulated Teams, in a personal chat or in a channel's thread. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTeams, type TeamsDeps } from '../../adapters/teams/platform.ts'
import { defaultStreamMs, type TeamsSettings } from '../../adapters/teams/settings.ts'
import { type ButtonAction, decodeAction } from '../../src/core/command.ts'
import { silentLog } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { Answered, PlatformRig } from '../../src/core/platform.contract.rig.ts'
import type { Intake } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { localBlobs } from '../fixtures/blobs.ts'
import { serveMounts } from './mounts.ts'
import { bot, issuer, startTeams, type TeamsStandIn, tenant } from './teams.ts'
import { alice, createPeople, type People, type Place, personalChat, thread } from './teams-people.ts'
import { actionsOf, isFinished, isReply, type Rules, type Shown, until } from './teams-state.ts'

export function settingsFor(teams: TeamsStandIn): TeamsSettings {
  return {
    clientId: bot.appId,
    clientSecret: bot.secret,
    tenantId: tenant,
    tenants: [tenant],
    unchecked: false,
    openIdMetadataUrl: `${teams.origin}/v1/.well-known/openidconfiguration`,
    tokenIssuer: issuer,
    loginUrl: teams.origin,
    graphUrl: `${teams.origin}/graph`,
    serviceUrl: teams.serviceUrl,
    fileHosts: [teams.fileHost],
    streamMs: defaultStreamMs,
  }
}

export interface TeamsRig extends PlatformRig {
  teams: TeamsStandIn
  people: People
}

/** The contract checks content, not timing, so parts of a stream may arrive at once. */
const atOnce: Partial<Rules> = { streamEveryMs: 0, quota: [] }

export async function openTeamsRig(
  records: Records,
  where: 'personal' | 'channel',
  more: Partial<TeamsDeps> & { rules?: Partial<Rules>; tenants?: string[] } = {},
): Promise<TeamsRig> {
  const { rules = atOnce, tenants = [tenant], ...deps } = more
  const teams = await startTeams(rules)
  const people = createPeople(teams)
  const home = await mkdtemp(join(tmpdir(), 'parley-teams-'))
  const platform = createTeams({
    settings: { ...settingsFor(teams), tenants },
    records,
    quota: createLocalQuota(),
    blobs: localBlobs(home),
    log: silentLog,
    maxFileBytes: 1_000_000,
    stopTurn: async () => undefined,
    everyMs: 0,
    ...deps,
  })
  const place: Place = where === 'personal' ? { conversation: personalChat } : thread('1767377017138')
  const ids = new Map<string, string>()
  let refused = false
  let listener: ReturnType<typeof platform.listen> | undefined
  let http: Awaited<ReturnType<typeof serveMounts>> | undefined

  const idOf = (eventId: string) => ids.get(eventId) ?? ids.set(eventId, teams.state.nextId()).get(eventId) ?? ''
  const at = ({ data }: ReplyTarget) => teams.state.messages((data as { conversation: string }).conversation)
  const isFile = ({ activity }: Shown) =>
    activity.attachments?.some(({ contentType }) => /\.file\./.test(contentType)) === true
  const notices = () => teams.state.messages(place.conversation).filter((each) => !isReply(each) && !isFile(each))
  const textOf = ({ activity }: Shown) => activity.text ?? ''

  /** Messages other than answers since then. */
  async function answered(act: () => Promise<{ status: number; body: unknown }>, expected: boolean): Promise<Answered> {
    const before = notices().length
    const { status, body } = await act()
    if (status !== 200) return { acknowledged: false }
    const value = typeof body === 'object' && body !== null && 'value' in body ? String(body.value) : undefined
    if (value !== undefined) return { acknowledged: true, told: value }
    if (!expected) return { acknowledged: true }
    return { acknowledged: true, told: await until(() => notices().slice(before).map(textOf)[0], 'a notice') }
  }

  const rig: TeamsRig = {
    teams,
    people,
    platform,
    async open(intake: Intake) {
      listener = platform.listen({
        ...intake,
        async receive(message) {
          const received = await intake.receive(message)
          refused = received.kind === 'refused'
          return received
        },
      })
      http = await serveMounts(listener.mounts)
      teams.target = http.url
      await listener.start()
    },
    async write({ eventId, text, file }) {
      const files = file ? [people.addFile(file.name, file.content)] : []
      const before = notices().length
      const { status } = await people.say(place, text, { id: idOf(eventId), files })
      if (status !== 200) return { acknowledged: false }
      if (!refused) return { acknowledged: true }
      return { acknowledged: true, told: await until(() => notices().slice(before).map(textOf)[0], 'a refusal') }
    },
    async seen(target) {
      return at(target)
        .filter((each) => isReply(each))
        .map((each) => ({ text: textOf(each), finished: isFinished(each) }))
    },
    async attached(target) {
      const cards = at(target).filter(isFile)
      const given = cards.map(async ({ id, activity }) => {
        const [card] = activity.attachments ?? []
        const { uploadId, answered: done } = people.accept(place, id, card?.name ?? '', card?.content?.acceptContext)
        await done
        const content = await until(() => teams.uploads.get(uploadId), 'an upload')
        await until(() => at(target).find((each) => each.id === id && each.edits > 0), 'the card of the file')
        return { name: card?.name ?? '', content }
      })
      return await Promise.all(given)
    },
    async notices(target) {
      return at(target)
        .filter((each) => !isReply(each) && !isFile(each))
        .map(textOf)
    },
    async buttons(target) {
      const last = at(target).filter(isReply).at(-1)
      if (last === undefined) return []
      const actions = actionsOf(last).flatMap((action) => decodeAction(action) ?? [])
      return [...actions, ...(await thumbs(last))]
    },
    press: ({ button, target }) =>
      answered(() => people.press(place, at(target).filter(isReply).at(-1)?.id ?? '', button), false),
    command: ({ eventId, text }) => answered(() => people.say(place, `/parley ${text}`, { id: idOf(eventId) }), true),
    async revise({ eventId, text }) {
      const message = people.message(place, text, { id: idOf(eventId) })
      const channelData = { ...(message as { channelData?: object }).channelData, eventType: 'editMessage' }
      await teams.deliver({ ...message, type: 'messageUpdate', channelData })
    },
    async erase({ eventId }) {
      const about = people.about(place) as { channelData: object }
      const channelData = { ...about.channelData, eventType: 'softDeleteMessage' }
      await teams.deliver({ ...about, type: 'messageDelete', id: idOf(eventId), channelData })
    },
    follow: ({ eventId, text, target }) => {
      const { conversation } = target.data as { conversation: string }
      return answered(() => people.say({ conversation }, text, { id: idOf(eventId), quiet: true }), false)
    },
    async close() {
      await listener?.stop()
      await http?.close()
      await teams[Symbol.asyncDispose]()
      await rm(home, { recursive: true, force: true })
    },
  }

  /** Teams' thumbs are actions of the turn of their message, as the records say. */
  async function thumbs({ id, activity }: Shown): Promise<ButtonAction[]> {
    if (activity.channelData?.feedbackLoop === undefined) return []
    const known = await records.get(`reply/${place.conversation}#${id}`)
    const turnId = typeof known === 'object' && known !== null && 'turnId' in known ? String(known.turnId) : ''
    return [
      { kind: 'good', turnId },
      { kind: 'bad', turnId },
    ]
  }

  return rig
}

export const by = alice
