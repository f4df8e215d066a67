/**
 * Answers as Teams gets them, to be read by people: test/fixtures/teams-answers. Each is what the simulated Teams would
 * accept. After a change that is meant, `vitest run adapters/teams/looks.test.ts -u` writes them again.
 */
import { describe, expect, it } from 'vitest'
import { split } from '../../src/reply/split.ts'
import { answers, messageOf, pageOf } from '../../test/fakes/answers.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { citation, earlier } from '../../test/fakes/source.ts'
import { faultOf } from '../../test/servers/teams-cards.ts'
import type { Wire } from '../../test/servers/teams-state.ts'
import { bytesOf, fitsTeams, maxActivityBytes, maxMarkdown, replyActivity } from './format.ts'

const rowsOf = (columns: number, rows: number, cell: (row: number, column: number) => string) =>
  Array.from(
    { length: rows },
    (_, row) => `| ${Array.from({ length: columns }, (_, at) => cell(row, at)).join(' | ')} |`,
  )

describe('an answer in Teams', () => {
  it.each(Object.entries(answers))('that is %s', async (name, answer) => {
    const activity = replyActivity(messageOf(answer))
    expect(faultOf(activity as Wire)).toBeUndefined()
    expect(bytesOf(activity)).toBeLessThanOrEqual(maxActivityBytes)
    const { text, ...around } = activity
    await expect(pageOf(String(text), around)).toMatchFileSnapshot(`../../test/fixtures/teams-answers/${name}.md`)
  })

  it('has the thoughts of its model folded below it, as far as there is room', () => {
    const thoughts = 'First *this*,\nthen "that". '.repeat(1_000)
    const end = { state: 'done' as const, receipt: { ...receipt, thoughts } }
    const activity = replyActivity(messageOf({ text: 'Thirty days.', end }))
    expect(faultOf(activity as Wire)).toBeUndefined()
    expect(bytesOf(activity)).toBeLessThanOrEqual(maxActivityBytes)
    const hidden = { id: 'thoughts', isVisible: false, text: expect.stringContaining('then') }
    const shows = expect.objectContaining({ type: 'Action.ToggleVisibility', targetElements: ['thoughts'] })
    expect(activity.attachments).toMatchObject([
      { content: { body: [hidden], actions: [shows, ...Array.from({ length: 5 }, () => expect.anything())] } },
    ])
    const long = replyActivity(messageOf({ text: 'word '.repeat(1_700), end }))
    expect(bytesOf(long)).toBeLessThanOrEqual(maxActivityBytes)
  })

  it('of 20 headings and 68 rows is several messages, each small enough, the last with its menu', () => {
    const head = rowsOf(20, 1, (_, at) => `A heading of thirty letters ${at}`.padEnd(30, 'x'))
    const table = [...head, `|${'---|'.repeat(20)}`, ...rowsOf(20, 68, (row, at) => String((row + at) % 10))].join('\n')
    const texts = split(`Here are the figures:\n\n${table}`, maxMarkdown, fitsTeams)
    const activities = texts.map((text, at) =>
      replyActivity(messageOf({ text, end: at === texts.length - 1 ? { state: 'done', receipt } : undefined })),
    )
    expect(activities.length).toBeGreaterThan(1)
    for (const activity of activities) expect(bytesOf(activity)).toBeLessThanOrEqual(maxActivityBytes)
    expect(activities.at(-1)?.attachments).toHaveLength(1)
    expect(
      activities
        .map(({ text }) => text)
        .join('\n')
        .match(/\*\*A heading of thirty letters 0/g),
    ).toHaveLength(68)
  })

  it('names who shared a file earlier, where and when, below the cited words', () => {
    const at = { kind: 'page' as const, page: 3 }
    const cited = { n: 1, source: earlier(1), at, quote: 'The price is 5.' }
    const activity = replyActivity(messageOf({ text: 'It is 5 [1].', citations: [cited] }))
    expect(faultOf(activity as Wire)).toBeUndefined()
    expect(activity.entities).toMatchObject([
      {
        citation: [
          {
            appearance: {
              name: 'plan.pdf, p. 3',
              abstract: 'The price is 5.',
              url: 'https://files.example/1',
              keywords: ['Ann', '#sales', '2026-11-20'],
            },
          },
        ],
      },
    ])
  })

  it('with many long sources stays small enough: those without room are listed below', () => {
    const citations = Array.from({ length: 40 }, (_, at) => ({
      ...citation(at + 1, `${'a very long name of a file '.repeat(5)}${at}.pdf`, { quote: 'word '.repeat(60) }),
    }))
    const cited = citations.map(({ n }) => `[${n}]`).join('')
    const text = `${'"Quoted" words & <tags> grow when they are written. '.repeat(100)}${cited}`
    expect(fitsTeams(text)).toBe(true)
    const activity = replyActivity(messageOf({ text, citations }))
    expect(bytesOf(activity)).toBeLessThanOrEqual(maxActivityBytes)
    expect(faultOf(activity as Wire)).toBeUndefined()
    expect(JSON.stringify(activity.entities)).toContain('"position":1,')
  })

  it('by Parley itself has neither the AI label nor thumbs, only a way to try again', () => {
    const error = replyActivity(messageOf(answers.error))
    expect(error.entities).toBeUndefined()
    expect(error.channelData).toBeUndefined()
    const quotes = replyActivity(messageOf({ text: '> 5 [1]', by: 'parley', receipt: { provider: 'extractive' } }))
    expect(JSON.stringify(quotes)).not.toMatch(/AIGeneratedContent|feedbackLoop/)
  })
})
