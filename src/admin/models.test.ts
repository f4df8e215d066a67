/** Models that are pulled, tried and asked by command, and how they are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, localModels, people } from '../../test/fakes/admin.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { owner, member } = people

describe('models of the own house', () => {
  it('are fetched in the background, told when they are there, and audited', async () => {
    await using rig = await adminRig(server, { local: localModels() })
    expect((await rig.say('models pull llama3.2')).text).toMatch(/is being fetched\. You are told here/)
    await expect
      .poll(() => rig.told.map(({ text }) => text))
      .toEqual(['`llama3.2` is there. `models test llama3.2` asks it something.'])
    expect((await rig.say('models remove llama3.2', owner)).text).toMatch(/an admin of the whole installation only/)
    await rig.say('models remove llama3.2')
    const log = (await rig.deps.audit.list({ limit: 2 })).map(({ before, after }) => [before, after])
    expect(log).toEqual([
      ['llama3.2', null],
      [null, 'llama3.2'],
    ])
  })

  it('without Ollama say what to do', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('models pull llama3.2')).text).toMatch(/Set OLLAMA_HOST/)
  })
})

describe('asking models directly', () => {
  it('goes through the budget, and tells what it met', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('models test gpt-5', member)).text).toMatch(/\*\*openai\/gpt-5\*\*: .*in all/)
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
    expect((await rig.say('models compare gpt-5,llama3.2 "Why?"', member)).text).toMatch(
      /`openai\/gpt-5` may not be asked here \(off: local models only\)/,
    )
    expect((await rig.say('models compare gpt-5 Why?', member)).text).toMatch(/Compare 2 to 5 models/)
  })
})

describe('health', () => {
  it('tells models, what waits and who is in trouble', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('health', member)).text).toMatch(/3 models can be asked\n- Nothing waits/)
  })
})
