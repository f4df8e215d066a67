/** Typical answers, for the tests that write them down as each platform gets them, to be read by people. */
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { AttachmentReceipt, Receipt } from '../../src/core/reply.ts'
import { noAnswerWording, noticeWording } from '../../src/wording/answers.ts'
import { modelErrorWording } from '../../src/wording/models.ts'
import { receipt } from './receipt.ts'
import { citation, page, source } from './source.ts'

export const turnId = '0f0f0f0f-0000-4000-8000-000000000001'

export interface Answer extends Partial<OutgoingMessage> {
  text: string
  receipt?: Partial<Receipt>
  state?: 'done' | 'stopped' | 'failed'
}

const skipped: AttachmentReceipt = {
  attachmentId: 'a1',
  name: 'plan.dwg',
  outcome: 'skipped',
  summary: 'skipped: Parley cannot read DWG drawings. Export it as PDF.',
  problems: [],
}

const contract = source(1, 'contract_v2_final.pdf', { url: 'https://acme.example.com/files/F1/contract_v2_final.pdf' })

const section = (n: number) =>
  `## ${n}. ${['Plan', 'Prepare', 'Move', 'Check', 'Announce', 'Tidy up'][n - 1]}\n\n${Array.from({ length: 3 }, () => 'Before this step, tell everybody who is affected, and agree on a time. Write down **what may go wrong** and who decides then.').join(' ')}\n\n${Array.from({ length: 4 }, (_, at) => `- Step ${n}.${at + 1}: look at the current state, change one thing, and look again.`).join('\n')}\n\n\`\`\`sh\nparley step --number ${n} --dry-run\nparley step --number ${n}\n\`\`\``

/** As each of them is shown at its end. */
export const answers = {
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
  'list-with-maths': {
    text: 'The parts of the energy:\n\n1. **Kinetic**: $E_k = \\frac{1}{2}mv^2$\n   - at $v = 3\\,\\text{m/s}$ and $m = 2\\,\\text{kg}$: $9\\,\\text{J}$\n2. **Potential**: $E_p = mgh$\n3. **Of a spring**: $$E_s = \\frac{k}{2}x^2$$\n\nTogether, $\\sum_i E_i$ stays constant.',
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
  'cited-with-links': {
    text: 'The notice period is three months [1], and six for managers [2]. By law it is at least four weeks [3].',
    citations: [
      { ...citation(1), source: contract, at: page(3) },
      { ...citation(2), source: contract, at: page(7) },
      {
        ...citation(3),
        source: source(2, 'Notice periods', { kind: 'page', url: 'https://law.example.org/notice' }),
        at: { kind: 'lines', from: 12, to: 14 },
      },
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
  'file-partly-read': {
    text: 'The first part sets the prices [1].',
    citations: [citation(1, 'prices_2026_final.pdf')],
    receipt: {
      attachments: [
        {
          ...skipped,
          name: 'prices_2026_final.pdf',
          outcome: 'partly',
          summary: '200 of 312 pages read',
          problems: [{ code: 'too_many_pages', userMessage: 'Only the first 200 of 312 pages were read.' }],
        },
      ],
    },
  },
} satisfies Record<string, Answer>

/** Too long for one message of most platforms. */
export const longAnswer = Array.from({ length: 6 }, (_, at) => section(at + 1)).join('\n\n')

export function messageOf({ text, state = 'done', receipt: more, ...rest }: Answer): OutgoingMessage {
  const full = { ...receipt, ...more }
  const by = full.provider === 'none' ? 'parley' : 'model'
  return { turnId, text, phase: 'final', citations: [], by, end: { state, receipt: full }, ...rest }
}

/** The messages of a long answer: the last one has its end. */
export function messagesOf(texts: readonly string[]): OutgoingMessage[] {
  return texts.map((text, at) => messageOf({ text, ...(at < texts.length - 1 ? { end: undefined } : {}) }))
}

/** A message as a page to read: what is drawn, then what is around it. */
export const pageOf = (shown: string, around: object) =>
  `${shown}\n\n---\n\n\`\`\`json\n${JSON.stringify(around, undefined, 2)}\n\`\`\`\n`
