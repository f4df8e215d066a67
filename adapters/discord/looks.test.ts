/**
 * Answers as Discord gets them, to be read by people: test/fixtures/discord-answers. Each is what the simulated Discord accepts.
 * After a change that is meant, `vitest run adapters/discord/looks.test.ts -u` writes them again.
 */
import { describe, expect, it } from 'vitest'
import { commandSpecs } from '../../src/admin/specs.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import { split } from '../../src/reply/split.ts'
import { budgetWording } from '../../src/wording/commands-money.ts'
import { bulleted } from '../../src/wording/phrases.ts'
import { answers, longAnswer, messageOf, messagesOf, pageOf } from '../../test/fakes/answers.ts'
import { helpOf } from '../../test/fakes/help.ts'
import { discordSpecMissing, openDiscordSpec } from '../../test/servers/discord-spec.ts'
import { fits, maxContent, maxMarkdown } from './format.ts'
import { asHelp } from './help.ts'
import { packNotice, replyBody } from './message-body.ts'
import { threadName } from './thread-name.ts'

const file = (name: string) => `../../test/fixtures/discord-answers/${name}.md`

/** A message: its text, which Discord draws, then everything around it. */
function page(body: { content: string }): string {
  expect(body.content.length).toBeLessThanOrEqual(maxContent)
  if (discordSpecMissing === undefined)
    expect(openDiscordSpec()?.violations('POST', '/channels/1/messages', JSON.parse(JSON.stringify(body)))).toEqual([])
  const { content, ...around } = body
  return pageOf(content, around)
}

const shown = (message: OutgoingMessage) => page(replyBody(message, undefined))

describe('an answer on Discord', () => {
  it.each(Object.entries(answers))('that is %s', async (name, answer) => {
    await expect(shown(messageOf(answer))).toMatchFileSnapshot(file(name))
  })

  it('that is long is several messages, the last with its controls', async () => {
    const texts = split(longAnswer, maxMarkdown, fits)
    expect(texts.length).toBeGreaterThan(1)
    await expect(messagesOf(texts).map(shown).join('\n')).toMatchFileSnapshot(file('long-split'))
  })

  it('is in a thread that is called after the question', async () => {
    const question =
      '**When** does the contract with ||Acme|| end, and what do we have to do before that? See https://x.org'
    const name = threadName(question, 'Question from Ann')
    await expect(`Thread: ${name}\n\n${shown(messageOf(answers.cited))}`).toMatchFileSnapshot(file('in-a-thread'))
  })
})

describe('on Discord', () => {
  it('the answer to a command names people and pings nobody', async () => {
    const state = { amount: 20_000_000_000n, extra: 0n, spent: 12_340_000_000n, reserved: 0n, left: 7_660_000_000n }
    const line = (who: string, period: 'day' | 'month') =>
      budgetWording.line(who, { ...state, period } as never, 'Tuesday, 1 December, 00:00 (UTC)')
    const text = bulleted([line('this channel', 'month'), line('<@123456789012345678>', 'day')])
    await expect(page(packNotice({ text, private: true }).body)).toMatchFileSnapshot(file('command'))
  })

  it.each([
    ['help', undefined],
    ['help-on-a-command', 'budget set'],
  ])('%s is in the form of its commands', async (name, command) => {
    const notice = asHelp(await helpOf(command), commandSpecs, command === undefined)
    await expect(page(packNotice(notice).body)).toMatchFileSnapshot(file(name))
  })
})
