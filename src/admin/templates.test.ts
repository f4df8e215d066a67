/** Saved questions with variables, from the typed line to the database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, here, people } from '../../test/fakes/admin.ts'
import { commandWording, templateWording } from '../wording/commands.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { member } = people

describe('templates', () => {
  it('are asked once, in the same place, with their variables filled in', async () => {
    await using rig = await adminRig(server)
    await rig.say('templates save letter channel "Write to {{whom}} about {{what}}, {{ whom }} first."')
    const used = await rig.say('templates use letter whom="Ms Ada" what=tea', member, { id: 'E7' })
    await rig.say('templates use letter whom="Ms Ada" what=tea', member, { id: 'E7' })
    expect(used.text).toBe(templateWording.asked('Write to Ms Ada about tea, Ms Ada first.'))
    expect(rig.asked).toMatchObject([
      {
        id: 'E7:template',
        text: 'Write to Ms Ada about tea, Ms Ada first.',
        author: member,
        conversation: here,
        kind: 'command',
      },
    ])
    expect((await rig.say('templates use letter what=tea', member)).text).toBe(
      templateWording.needs('letter', ['whom'], '/parley templates use letter whom="…" what="…"'),
    )
    expect((await rig.say('templates use leter', member)).text).toContain(commandWording.didYouMean('letter'))
  })
})
