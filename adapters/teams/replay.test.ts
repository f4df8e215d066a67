import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { replayFolder } from '../../src/cli/replay.ts'
import { teamsWording } from '../../src/wording/teams.ts'

it('recorded activities are printed with their result, without contacting Microsoft', async () => {
  const lines: string[] = []
  const folder = join(import.meta.dirname, '../../test/fixtures/teams')
  expect(await replayFolder({ platform: 'teams', folder, json: true, print: (line) => lines.push(line) })).toBe(0)
  const results = Object.fromEntries(
    lines.map((line) => {
      const { name, kind, summary } = JSON.parse(line)
      return [String(name).split('#')[1], `${kind}: ${summary}`]
    }),
  )
  const by = 'aaaaaaaa-0000-4000-8000-00000000ada0'
  const where = 'teams/cccccccc-1111-4222-8333-444444444444'
  const works = `${where}/19%3Aworks0000000000000000000000000000%40thread.tacv2/1793610930100`
  expect(results).toEqual({
    question: `message: direct by ${by} in ${where}/a%3A1Ada-and-Parley: "What does the contract say about notice?"`,
    mention: `message: mention by ${by} in ${works}: "Which valve leaks?"`,
    followUp: `message: thread by ${by} in ${works}: "And the other one?"`,
    file: `message: direct by ${by} in ${where}/a%3A1Ada-and-Parley: "Sum it up" with plan.pdf`,
    command: `command: /parley budget list by ${by} in ${where}/a%3A1Ada-and-Parley`,
    edited: `revision: of a:1Ada-and-Parley#1793610930001 by ${by}: "What does the contract say about notice periods?"`,
    pressed: `action: regenerate by ${by}: 0f0f0f0f-0000-4000-8000-000000000001`,
    asked: `message: mention by ${by} in ${works}: "Since when?"`,
    typing: `ignored: ${teamsWording.ignored.notForParley('typing')}`,
    added: expect.stringMatching(/^ignored: /),
  })
})

/** Recordings in the shape of vercel/chat's files: the bot is beside the activities, or in `metadata`. */
it.each([
  ['beside the activities', { botUserId: '28:recorded' }],
  ['by its app', { appId: 'recorded' }],
  ['in `metadata`', { metadata: { botName: 'Chat SDK Demo', botId: '28:recorded' } }],
  ['in `metadata` and beside it', { botId: '28:recorded', metadata: { botId: '28:another' } }],
])('a recording that names the bot %s is replayed', async (_, about) => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-replay-'))
  try {
    const conversation = '19:general@thread.tacv2;messageid=1767000000000'
    const activity = (id: string, text: string, more: object = {}) => ({
      type: 'message',
      id,
      timestamp: '2026-01-05T00:49:53.676Z',
      channelId: 'msteams',
      serviceUrl: 'https://smba.trafficmanager.net/emea/',
      from: { id: '29:tester', name: 'Tester', aadObjectId: 'aaaaaaaa-0000-4000-8000-00000000ada0' },
      conversation: { isGroup: true, conversationType: 'channel', tenantId: 't', id: conversation },
      channelData: { tenant: { id: 't' }, team: { id: '19:team' }, channel: { id: '19:general@thread.tacv2' } },
      text,
      ...more,
    })
    const called = (id: string) => ({
      entities: [{ type: 'mention', text: '<at>Demo</at>', mentioned: { id, name: 'Demo' } }],
    })
    const file = {
      ...about,
      mention: activity('1767000000000', '<at>Demo</at> Hey', called('28:recorded')),
      followUp: activity('1767000000001', 'And then?'),
      other: activity('1767000000002', '<at>Demo</at> Hey', called('28:somebody')),
    }
    await writeFile(join(folder, 'teams.json'), JSON.stringify(file))
    const lines: string[] = []
    await replayFolder({ platform: 'teams', folder, json: false, print: (line) => lines.push(line) })
    expect(lines[0]).toMatch(/^message {3}teams\.json#mention {2}mention by .*: "Hey"$/)
    expect(lines[1]).toMatch(/^message {3}teams\.json#followUp {2}thread by .*: "And then\?"$/)
    expect(lines[2]).toMatch(/^ignored/)
    expect(lines.at(-1)).toBe('2 message, 1 ignored')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
