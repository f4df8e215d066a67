/**
 * Answers as Teams gets them, to be read by people: test/fixtures/teams-answers. Each is what the simulated Teams would
 * accept. After a change that is meant, `vitest run adapters/teams/looks.test.ts -u` writes them again.
 */
import { describe, expect, it } from 'vitest'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { AttachmentReceipt, Receipt } from '../../src/core/reply.ts'
import { split } from '../../src/reply/split.ts'
import { noAnswerWording, noticeWording } from '../../src/wording/answers.ts'
import { modelErrorWording } from '../../src/wording/models.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { citation } from '../../test/fakes/source.ts'
import { faultOf } from '../../test/servers/teams-cards.ts'
import type { Wire } from '../../test/servers/teams-state.ts'
import { bytesOf, fitsTeams, maxActivityBytes, maxMarkdown, replyActivity } from './format.ts'

const turnId = '0f0f0f0f-0000-4000-8000-000000000001'

interface Answer extends Partial<OutgoingMessage> {
  text: string
  receipt?: Partial<Receipt>
  state?: 'done' | 'stopped' | 'failed'
}

const rowsOf = (columns: number, rows: number, cell: (row: number, column: number) => string) =>
  Array.from(
    { length: rows },
    (_, row) => `| ${Array.from({ length: columns }, (_, at) => cell(row, at)).join(' | ')} |`,
  )

const skipped: AttachmentReceipt = {
  attachmentId: 'a1',
  name: 'plan.dwg',
  outcome: 'skipped',
  summary: 'skipped: Parley cannot read DWG drawings. Export it as PDF.',
  problems: [],
}

const answers: Record<string, Answer> = {
  short: { text: 'Yes, the office is closed on Friday.\n\nParley Ltd\nMain Street 5\n12345 Town' },
  'long-with-code': {
    text: [
      '# How to rotate the logs\n\nTwo steps are enough:\n',
      '1. Write the configuration.\n2. Reload the service.\n',
      '```ini\n/var/log/parley/*.log {\n  daily\n  rotate 7\n}\n```\n',
      'Then check it:\n\n```sh\nlogrotate --debug /etc/logrotate.conf\n```\n',
      '> Keep at least a week,\n> because audits look back that far.\n',
      'A path such as `C:\\logs\\*.log` stays as it is.',
    ].join('\n'),
  },
  'table-wide': {
    text: `Here is the comparison:\n\n| Item | Description | Owner | Due |\n|---|---|---|---|\n| Desk | A height-adjustable desk with a frame of steel and an oak top | Ann | 3 May |\n| Chair | A chair with armrests, a headrest and a seat of mesh | Ben | 9 May |\n\nBoth are in stock.`,
  },
  'table-of-six-columns': {
    text: '| Quarter | Region | Product | Units | Revenue | Change |\n|---|---|---|--:|--:|--:|\n| Q1 | North America | Standing desk | 1,204 | $602,000 | +4% |\n| Q1 | Europe | Standing desk | 980 | $490,000 | -2% |\n| Q2 | Asia Pacific | Armchair | 77 | $23,100 | +19% |',
  },
  'table-narrow': { text: '| Region | Net |\n|:--|--:|\n| North | 1,200 |\n| South | 7 |\n\nNorth leads.' },
  list: {
    text: 'Before the release:\n\n- [x] Build\n- [x] Test\n- [ ] Announce\n  - [ ] in the channel\n\nThen:\n\n1. Tag it.\n2. Rest.',
  },
  maths: {
    text: 'The energy is $E = mc^2$, and the price stays between $5 and $10.\n\n$$x_{1,2} = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}$$\n\nA matrix has no plain form:\n\n$$\n\\begin{pmatrix} 1 & 0 \\\\ 0 & 1 \\end{pmatrix}\n$$',
  },
  cited: {
    text: 'The notice period is three months [1]. It is longer for managers [2].',
    citations: [
      citation(1, 'contract.pdf', {
        quote: '# Term\n\n**Either party** may end this contract with three months’ notice[^1].',
      }),
      citation(2, 'handbook.docx'),
    ],
  },
  'nested-list': {
    text: '1. Prepare\n   - Book a room\n   - Invite\n     - Ann\n     - Ben\n2. Run\n\n   ```sh\n   parley run\n   ```\n3. Tidy up',
  },
  'model-error': {
    text: modelErrorWording.busy('openai'),
    state: 'failed',
    receipt: { model: 'none', provider: 'none', error: 'model_busy' },
  },
  error: {
    text: noAnswerWording.crashed,
    state: 'failed',
    receipt: { model: 'none', provider: 'none', error: 'turn_crashed' },
  },
  stopped: {
    text: 'The first reason is the weather. The second',
    state: 'stopped',
    receipt: { notices: [noticeWording.stopped] },
  },
  'file-refused': {
    text: 'The offer is valid until May.',
    receipt: {
      attachments: [
        { ...skipped, name: 'offer.pdf', outcome: 'read', summary: '2 pages read' },
        { ...skipped, name: 'terms.docx', outcome: 'read', summary: '5 pages read' },
        skipped,
      ],
    },
  },
}

function messageOf({ text, state = 'done', receipt: more, ...rest }: Answer): OutgoingMessage {
  const full = { ...receipt, ...more }
  const by = full.provider === 'none' ? 'parley' : 'model'
  return { turnId, text, phase: 'final', citations: [], by, end: { state, receipt: full }, ...rest }
}

describe('an answer in Teams', () => {
  it.each(Object.entries(answers))('that is %s', async (name, answer) => {
    const activity = replyActivity(messageOf(answer))
    expect(faultOf(activity as Wire)).toBeUndefined()
    expect(bytesOf(activity)).toBeLessThanOrEqual(maxActivityBytes)
    const { text, ...around } = activity
    const shown = `${text}\n\n---\n\n\`\`\`json\n${JSON.stringify(around, undefined, 2)}\n\`\`\`\n`
    await expect(shown).toMatchFileSnapshot(`../../test/fixtures/teams-answers/${name}.md`)
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
    const error = replyActivity(messageOf(answers.error ?? { text: '' }))
    expect(error.entities).toBeUndefined()
    expect(error.channelData).toBeUndefined()
    const quotes = replyActivity(messageOf({ text: '> 5 [1]', by: 'parley', receipt: { provider: 'extractive' } }))
    expect(JSON.stringify(quotes)).not.toMatch(/AIGeneratedContent|feedbackLoop/)
  })
})
