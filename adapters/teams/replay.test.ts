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
