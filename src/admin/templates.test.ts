/** Saved questions with places to fill, from the typed line to the database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, here, people } from '../../test/fakes/admin.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { member } = people

describe('templates', () => {
  it('are asked with their variables filled in, where the person asked, once', async () => {
    await using rig = await adminRig(server)
    await rig.say('templates save letter channel "Write to {{whom}} about {{what}}, {{ whom }} first."')
    const used = await rig.say('templates use letter whom="Ms Ada" what=tea', member, { id: 'E7' })
    await rig.say('templates use letter whom="Ms Ada" what=tea', member, { id: 'E7' })
    expect(used.text).toBe('Asked: “Write to Ms Ada about tea, Ms Ada first.”')
    expect(rig.asked).toMatchObject([
      {
        id: 'E7:template',
        text: 'Write to Ms Ada about tea, Ms Ada first.',
        author: member,
        conversation: here,
        kind: 'command',
      },
    ])
    expect((await rig.say('templates use letter what=tea', member)).text).toMatch(/wants `whom`.*whom="…" what="…"/)
    expect((await rig.say('templates use leter', member)).text).toMatch(/Did you mean `letter`\?/)
  })
})
