/** What edits and deletions of messages do in Teams: through the real ingress. */
import { afterEach, describe, expect, it } from 'vitest'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import type { Intake } from '../../src/core/platform.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { groupChat, type Place, personalChat, thread } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'

const chat: Place = { conversation: personalChat }
const group: Place = { conversation: groupChat }
const inThread = thread('1767000000001')

let rig: TeamsRig
let inbox: ReturnType<typeof recorder>

async function open(own: Partial<Intake> = {}): Promise<void> {
  rig = await openTeamsRig(memoryRecords(), 'personal')
  inbox = recorder()
  await rig.open({ ...inbox.intake, ...own })
}
afterEach(() => rig.close())

describe('a message that is changed later', () => {
  const edit = (place: Place, text: string, more: object = {}) => {
    const message = rig.people.message(place, text, { id: '1767000000777' })
    const channelData = { ...(message as { channelData?: object }).channelData, eventType: 'editMessage' }
    return rig.teams.deliver({ ...message, type: 'messageUpdate', channelData, ...more })
  }

  it('so that it calls Parley is answered', async () => {
    await open({ revise: async () => ({ kind: 'unknown' }) })
    await edit(inThread, 'When is the rent due?')
    await edit(group, 'And the deposit?')
    expect(inbox.received).toMatchObject([
      { id: `${inThread.conversation}#1767000000777`, text: 'When is the rent due?', kind: 'mention' },
      { text: 'And the deposit?', kind: 'mention' },
    ])
  })

  it('is nothing new to Parley without a mention', async () => {
    await open({ revise: async () => ({ kind: 'unknown' }) })
    await edit(group, 'x', { text: 'And the deposit?', entities: [] })
    await edit(chat, 'And the deposit?')
    expect(inbox.received).toEqual([])
  })

  it('without other words gets no offer of a new answer', async () => {
    await open({ revise: async () => ({ kind: 'unchanged', turnId: 't-1' }) })
    await edit(chat, 'When is the rent due?')
    await rig.close()
    expect(rig.teams.state.messages(personalChat)).toEqual([])
  })

  it('by deleting it is withdrawn, and an undo of that does no harm', async () => {
    const place = inThread
    await open()
    await rig.people.say(place, 'When is the rent due?', { id: '1767000000777' })
    const event = (type: string, eventType: string) => {
      const about = rig.people.about(place) as { channelData: object }
      return rig.teams.deliver({
        ...about,
        type,
        id: '1767000000777',
        channelData: { ...about.channelData, eventType },
      })
    }
    expect((await event('messageDelete', 'softDeleteMessage')).status).toBe(200)
    expect(inbox.withdrawn).toEqual([inbox.received[0]?.id])
    expect((await event('messageUpdate', 'undeleteMessage')).status).toBe(200)
    expect([inbox.received.length, inbox.revisions.length]).toEqual([1, 0])
  })

  it('by deleting it is delivered again until it is withdrawn', async () => {
    await open({ withdraw: () => Promise.reject(new Error('the database is away')) })
    const about = rig.people.about(chat) as { channelData: object }
    const channelData = { ...about.channelData, eventType: 'softDeleteMessage' }
    expect((await rig.teams.deliver({ ...about, type: 'messageDelete', id: '1', channelData })).status).toBe(503)
  })
})
