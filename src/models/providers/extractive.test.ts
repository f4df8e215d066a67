import { describe, expect, it } from 'vitest'
import { cpuTimeOfAsync } from '../../../test/cpu-time.ts'
import { answerByQuoting } from '../../../test/models/quoting.ts'
import type { Position } from '../../core/artifact.ts'
import { quoteWording } from '../../wording/models.ts'
import { modelContract } from '../model.contract.ts'
import type { ModelMessage, Part } from '../model.ts'
import { createExtractiveProvider } from './extractive.ts'

modelContract(
  'extractive',
  async () => ({
    provider: createExtractiveProvider(),
    model: 'extractive',
    secret: 'none',
    sent: () => Promise.reject(new Error('it sends nothing')),
    count: () => 0,
    goAway: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }),
  { wire: 'it has no wire' },
)

const page = (n: number, text: string, title = 'file.pdf'): Part => ({
  type: 'passage',
  source: `1:p${n}`,
  title,
  at: { kind: 'page', page: n },
  text,
})
const place = (source: string, at: Position, text: string, title: string): Part => ({
  type: 'passage',
  source,
  title,
  at,
  text,
})

/** The quote that comes first, with its source. */
function first(text: string): string {
  return /(?:^>.*\n?)+/m.exec(text)?.[0].replaceAll(/^> ?/gm, '') ?? text
}

const contract = [
  page(
    1,
    `SERVICE AGREEMENT

This Service Agreement (the "Agreement") is made on 3 March 2025 between Northwind Logistics GmbH, with its seat in
Hamburg (the "Client"), and Brightwater Analytics Ltd. (the "Provider").

1. Services
1.1 The Provider shall deliver monthly demand forecasts for all warehouses of the Client.
1.2 Forecasts are delivered by the fifth working day of each month.`,
  ),
  page(
    2,
    `2. Term and Termination
2.1 This Agreement starts on 1 April 2025 and runs for an initial term of three (3) years.
2.2 Either party may terminate this Agreement for convenience by giving ninety (90) days' written notice
to the other party.
2.3 Either party may terminate with immediate effect if the other party commits a material breach and does not
cure it within 14 days.`,
  ),
  page(
    3,
    `3. Fees and Payment
3.1 The Client shall pay the Provider a fixed monthly fee of EUR 12,500.
3.2 Invoices are payable within thirty (30) days of receipt. Late payments bear interest at 8 % per year.
3.3 Travel expenses are reimbursed at cost, e.g. train tickets, if approved in advance.

4. Liability
4.1 The total liability of the Provider is limited to the fees paid in the twelve months before the claim.
4.2 Nothing in this Agreement limits liability for intent or gross negligence.`,
  ),
  page(
    4,
    `5. Confidentiality
5.1 Each party keeps the other party's confidential information secret for five years after the end of this Agreement.

6. Governing Law
6.1 This Agreement is governed by the laws of Germany. The courts of Hamburg have exclusive jurisdiction.

Signed for the Provider: Dr. Maria Okafor, Managing Director`,
  ),
]

const manual = [
  page(
    11,
    `Getting started
Charge the battery fully before first use. A full charge takes about 3.5 hours with the supplied adapter.
The status light blinks orange while charging and turns green when the battery is full.`,
    'manual.pdf',
  ),
  page(
    12,
    `Cleaning
Unplug the device before cleaning. Wipe the housing with a damp cloth. Do not use solvents or abrasive cleaners.
Rinse the filter under running water every two weeks and let it dry for 24 hours.`,
    'manual.pdf',
  ),
  page(
    13,
    `Troubleshooting
The device does not start
Hold the power button for ten seconds to reset the controller.
Error E42
The water tank is empty or not seated correctly. Refill the tank and push it in until it clicks.
Error E51
The pump is blocked. Contact customer service.`,
    'manual.pdf',
  ),
]

const csv = [
  place(
    '1:r1-5',
    { kind: 'rows', from: 1, to: 5 },
    `invoice,customer,month,amount,status
1001,Acme Corp,January,2500.00,paid
1002,Globex,January,1800.50,open
1003,Acme Corp,February,2750.00,overdue
1004,Initech,February,990.00,paid`,
    'invoices.csv',
  ),
]

const code = [
  place(
    '1:l1-24',
    { kind: 'lines', from: 1, to: 24 },
    `import { readFile } from 'node:fs/promises'

const DEFAULT_TIMEOUT_MS = 30_000

export function parseDuration(text) {
  const match = /^(\\d+)(ms|s|m)$/.exec(text)
  if (!match) throw new RangeError('not a duration')
  return Number(match[1]) * units[match[2]]
}

export async function loadConfig(path) {
  const raw = await readFile(path, 'utf8')
  return JSON.parse(raw)
}

function retryDelay(attempt) {
  // exponential backoff, capped at one minute
  return Math.min(60_000, 500 * 2 ** attempt)
}`,
    'config.js',
  ),
]

const german = [
  page(
    1,
    `Mietvertrag über Wohnraum
Zwischen Frau Sabine Keller (Vermieterin) und Herrn Jonas Brandt (Mieter) wird folgender Vertrag geschlossen.
§ 1 Mieträume
Vermietet wird die Wohnung im 2. Obergeschoss, bestehend aus drei Zimmern, Küche und Bad.`,
    'Mietvertrag.pdf',
  ),
  page(
    2,
    `§ 4 Miete
Die monatliche Grundmiete beträgt 1.150 Euro. Die Vorauszahlung für Betriebskosten beträgt 210 Euro.
§ 5 Kaution
Der Mieter zahlt eine Kaution in Höhe von drei Monatsmieten, also 3.450 Euro.
§ 9 Kündigung
Die Kündigungsfrist beträgt drei Monate zum Monatsende. Die Kündigung bedarf der Schriftform.
§ 11 Haustiere
Kleintiere wie Hamster sind erlaubt, Hunde nur mit Zustimmung der Vermieterin.`,
    'Mietvertrag.pdf',
  ),
]

const chinese = [
  page(
    1,
    '本合同由甲方上海云帆科技有限公司与乙方北京蓝海贸易有限公司签订。合同自2025年5月1日起生效，有效期两年。',
    '合同.pdf',
  ),
  page(
    2,
    '第三条 付款方式。甲方应在收到发票后四十五天内付款。逾期付款的，每日按万分之五支付违约金。第四条 交货。乙方应在每月十日之前将货物送达甲方仓库。',
    '合同.pdf',
  ),
]

const table: [name: string, parts: Part[], question: string, wanted: string, source: string][] = [
  ['contract', contract, 'What is the notice period for termination?', "ninety (90) days' written notice", '[1:p2]'],
  [
    'contract',
    contract,
    'How long do we have to terminate for convenience?',
    "ninety (90) days' written notice",
    '[1:p2]',
  ],
  ['contract', contract, 'How much is the monthly fee?', 'EUR 12,500', '[1:p3]'],
  ['contract', contract, 'when are invoices due?', 'payable within thirty (30) days', '[1:p3]'],
  ['contract', contract, 'Which law governs the agreement?', 'governed by the laws of Germany', '[1:p4]'],
  ['contract', contract, 'Is liability limited?', 'limited to the fees paid in the twelve months', '[1:p3]'],
  ['contract', contract, 'Who signed for the provider?', 'Dr. Maria Okafor', '[1:p4]'],
  ['contract', contract, 'When does the agreement start?', '1 April 2025', '[1:p2]'],
  [
    'contract',
    contract,
    'how many years must confidential information be kept secret',
    'secret for five years',
    '[1:p4]',
  ],
  [
    'contract',
    contract,
    'Are travel expenses reimbursed?',
    'Travel expenses are reimbursed at cost, e.g. train tickets, if approved',
    '[1:p3]',
  ],
  ['manual', manual, 'What does error E42 mean?', 'The water tank is empty', '[1:p13]'],
  ['manual', manual, 'How long does charging take?', 'A full charge takes about 3.5 hours', '[1:p11]'],
  ['manual', manual, 'how often should I clean the filter?', 'every two weeks', '[1:p12]'],
  [
    'manual',
    manual,
    'the device does not start, what should I do?',
    'Hold the power button for ten seconds',
    '[1:p13]',
  ],
  [
    'csv',
    csv,
    'What is the status of the Acme invoice in February?',
    '1003,Acme Corp,February,2750.00,overdue',
    '[1:r1-5]',
  ],
  ['csv', csv, 'How much does Globex owe?', '1002,Globex,January,1800.50,open', '[1:r1-5]'],
  ['code', code, 'Where is the backoff delay computed?', 'exponential backoff', '[1:l1-24]'],
  ['code', code, 'What is the default timeout?', 'DEFAULT_TIMEOUT_MS = 30_000', '[1:l1-24]'],
  ['code', code, 'how does loadConfig read the file', 'export async function loadConfig(path)', '[1:l1-24]'],
  ['german', german, 'Wie lange ist die Kündigungsfrist?', 'drei Monate zum Monatsende', '[1:p2]'],
  ['german', german, 'Wie hoch ist die Kaution?', '3.450 Euro', '[1:p2]'],
  ['german', german, 'Darf ich einen Hund halten?', 'Hunde nur mit Zustimmung', '[1:p2]'],
  ['german', german, 'Wie hoch ist die Grundmiete?', '1.150 Euro', '[1:p2]'],
  ['chinese', chinese, '收到发票后多少天内付款？', '四十五天内付款', '[1:p2]'],
  ['chinese', chinese, '合同什么时候生效？', '2025年5月1日起生效', '[1:p1]'],
  ['chinese', chinese, '逾期付款的违约金是多少', '万分之五', '[1:p2]'],
]

describe('extractive: the right words first', () => {
  it.for(table.map(([name, parts, question, wanted, source]) => [name, question, wanted, source, parts] as const))(
    '%s: %s',
    async ([, question, wanted, source, parts]) => {
      const quote = first(await answerByQuoting(parts, question))
      expect(quote.replaceAll('\n', ' ')).toContain(wanted)
      expect(quote).toContain(source)
    },
  )

  it.for([
    ['What is the capital of France?', contract],
    ['Who won the football world cup?', [...manual, ...contract]],
    ['Wie wird das Wetter morgen?', [...german, ...contract]],
    ['今天天气怎么样', [...chinese, ...contract]],
    ['how do I bake bread', [...code, ...contract]],
  ] as const)('says that nothing fits: %s', async ([question, parts]) => {
    expect(await answerByQuoting([...parts], question)).toBe(
      quoteWording.nothingFound([...new Set(parts.flatMap((part) => (part.type === 'passage' ? [part.title] : [])))]),
    )
  })

  it.for([
    ['Who won the football world cup?', manual],
    ['今天天气怎么样', chinese],
    ['how do I bake bread', code],
  ] as const)('quotes a short text whole rather than nothing: %s', async ([question, parts]) => {
    const text = await answerByQuoting([...parts], question)
    const titles = [...new Set(parts.flatMap((part) => (part.type === 'passage' ? [part.title] : [])))]
    expect(text).toContain(quoteWording.whole(titles))
    const plain = text.replaceAll(/\n> ?/g, ' ').replaceAll(/\s+/g, '')
    const words = parts.flatMap((part) => (part.type === 'passage' ? (part.text.match(/\S+/g) ?? []) : []))
    expect(words.filter((word) => !plain.includes(word))).toEqual([])
  })

  it('quotes a small file whole where nothing matches, also beside a long one', async () => {
    const note = { type: 'passage', source: '2:l1', title: 'note.txt', at: { kind: 'lines', from: 1, to: 1 } } as const
    const long = contract.concat(contract, contract)
    const text = await answerByQuoting([...long, { ...note, text: 'The gate opens at eight.' }], 'Who won the cup?')
    expect(text).toContain(quoteWording.whole(['note.txt']))
    expect(text).toContain('> The gate opens at eight. [2:l1]')
  })

  it('quotes verbatim, at most three places, each with its source', async () => {
    const text = await answerByQuoting(
      contract,
      'What does the contract say about liability, fees, termination and confidentiality?',
    )
    const quotes = text.split('\n\n').filter((block) => block.startsWith('>'))
    expect(quotes.length).toBeGreaterThan(1)
    expect(quotes.length).toBeLessThanOrEqual(3)
    const source = contract
      .map((part) => (part.type === 'passage' ? part.text : ''))
      .join(' ')
      .replaceAll(/\s+/g, ' ')
    for (const quote of quotes) {
      const [, words = '', label] = /^> ([\s\S]*) \[(1:p\d)\]$/.exec(quote) ?? []
      expect(label).toBeDefined()
      for (const line of words.split('\n>\n> ')) expect(source).toContain(line)
    }
  })

  it.for(['Summarise this', 'tl;dr', 'What is this contract about?', 'Worum geht es?', ''])(
    'opens with the document for a question about the whole: %s',
    async (question) => {
      const text = await answerByQuoting(contract, question)
      expect(first(text)).toContain('This Service Agreement (the "Agreement") is made on 3 March 2025')
      expect(text.split('\n\n').filter((block) => block.startsWith('>')).length).toBe(3)
    },
  )

  it('uses the passages of earlier messages when the last one has none', async () => {
    const earlier: ModelMessage[] = [
      { role: 'user', parts: [...contract, { type: 'text', text: 'Who are the parties?' }] },
      { role: 'assistant', parts: [{ type: 'text', text: 'Northwind and Brightwater.' }] },
    ]
    expect(first(await answerByQuoting([], 'And the monthly fee?', earlier))).toContain('EUR 12,500')
  })

  it('says how to get more than quotes when there is nothing to quote', async () => {
    const text = await answerByQuoting([], 'What is the capital of France?')
    for (const word of ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'Ollama', 'README']) expect(text).toContain(word)
  })

  it('takes neither what Parley adds nor what others wrote for the question', async () => {
    const notes: Part[] = [
      { type: 'data', about: 'unread files', text: '"penguins.zip": archives about termination are not read' },
      { type: 'data', about: 'quoted message', text: 'When may the agreement be terminated?' },
      { type: 'text', text: 'Say what matters about termination.', by: 'parley' },
    ]
    expect(first(await answerByQuoting([...contract, ...notes], 'How much is the monthly fee?'))).toContain(
      'EUR 12,500',
    )
    const whole = await answerByQuoting(
      [...contract, { type: 'text', text: 'What about termination?', by: 'parley' }],
      '',
    )
    expect(first(whole)).toContain('This Service Agreement (the "Agreement") is made on 3 March 2025')
  })

  it('finds one sentence among 500 pages', async () => {
    const words = 'alpha beta gamma delta system process module report value input output record server result'.split(
      ' ',
    )
    const filler = (seed: number) =>
      Array.from(
        { length: 22 },
        (_, i) =>
          `The ${words[(seed * 7 + i) % 14]} of the ${words[(seed + i * 3) % 14]} number ${seed * 31 + i} is checked by the ${words[(seed * 5 + i) % 14]} every day.`,
      ).join(' ')
    const pages = Array.from({ length: 500 }, (_, i) =>
      page(i + 1, filler(i) + (i === 321 ? ' The maintenance window opens on Sundays at 04:30.' : '')),
    )
    const ms = await cpuTimeOfAsync(async () => {
      const text = await answerByQuoting(pages, 'When does the maintenance window open?')
      expect(first(text)).toBe('The maintenance window opens on Sundays at 04:30. [1:p322]')
    })
    expect(ms).toBeLessThan(2_000)
  })
})
