/** Testing, comparing and downloading models by command, and their health. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, localModels, people } from '../../test/fakes/admin.ts'
import { healthWording, permissionWording } from '../wording/commands.ts'
import { modelWording, tryWording } from '../wording/commands-models.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { owner, member } = people

describe('local models', () => {
  it('are downloaded in the background, announced when ready, and audited', async () => {
    await using rig = await adminRig(server, { local: localModels() })
    expect((await rig.say('models pull llama3.2')).text).toBe(tryWording.started('llama3.2'))
    await expect.poll(() => rig.posted.map(({ text }) => text)).toEqual([tryWording.ready('llama3.2')])
    expect((await rig.say('models remove llama3.2', owner)).text).toBe(
      permissionWording.only(permissionWording.installationAdmins, tryWording.deleteModels),
    )
    await rig.say('models remove llama3.2')
    const log = (await rig.deps.audit.list({ limit: 2 })).map(({ before, after }) => [before, after])
    expect(log).toEqual([
      ['llama3.2', null],
      [null, 'llama3.2'],
    ])
  })

  it('need Ollama, and the answer says how to connect it', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('models pull llama3.2')).text).toBe(tryWording.noOllama)
  })
})

describe('testing models', () => {
  it('respects the budget and shows the result', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('models test gpt-5', member)).text).toMatch(/^\*\*openai\/gpt-5\*\*: .* s total/)
    await rig.say('budget set everywhere 0 day')
    expect((await rig.say('models test gpt-5', member)).text).toMatch(/\*\*openai\/gpt-5\*\*: .*budget/i)
    const { rows } = await rig.database.pool.query(
      'select count(*)::int as calls, sum(reserved)::int as held from ledger where state = $1',
      ['reserved'],
    )
    expect(rows[0].calls).toBe(0)
  })

  it('obeys the policy, and compares side by side', async () => {
    await using rig = await adminRig(server)
    const both = await rig.say('models compare gpt-5,llama3.2 "Why is the sky blue?"', member)
    expect(both.text).toMatch(/openai\/gpt-5.*---.*ollama\/llama3\.2/s)
    await rig.say('policy local-only on')
    expect((await rig.say('models compare gpt-5,llama3.2 "Why?"', member)).text).toBe(
      tryWording.notAllowed('openai/gpt-5', modelWording.off.localOnly),
    )
    expect((await rig.say('models compare gpt-5 Why?', member)).text).toBe(tryWording.howMany(5))
  })
})

describe('health', () => {
  it('calls models by their labels', async () => {
    await using rig = await adminRig(server)
    for (const id of ['gpt-5', 'gpt-5-mini'])
      rig.deps.health.begin({ provider: 'openai', id }).end({ kind: 'answered', ms: 10 })
    const { text } = await rig.say('health', member)
    expect(text).toContain(`- GPT-5: ${healthWording.ok}`)
    expect(text).toContain(`- \`openai/gpt-5-mini\`: ${healthWording.ok}`)
  })

  it('shows the models and the waiting questions', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('health', member)).text).toContain(`${healthWording.models(3)}\n- ${healthWording.idle}`)
  })
})
