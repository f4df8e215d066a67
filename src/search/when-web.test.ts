/** When the web is searched, and with which words: one line for each rule. */
import { describe, expect, it } from 'vitest'
import { webQueries, wordsOf } from './web-queries.ts'
import { type AskedOfWeb, linksIn, whenWeb } from './when-web.ts'

const today = new Date('2026-11-27')
const decide = (text: string, more: Partial<AskedOfWeb> = {}) =>
  whenWeb({
    text,
    wish: undefined,
    policy: 'auto',
    localOnly: false,
    files: false,
    program: false,
    engine: true,
    today,
    ...more,
  })

describe('in places where Parley decides', () => {
  it.each([
    ['Search the web for the height of the Zugspitze', 'asks for a web search'],
    ['Can you look up the opening hours online?', 'asks for a web search'],
    ['google heat pump noise limits', 'asks for a web search'],
    ['Such im Internet nach der Höhe der Zugspitze', 'asks for a web search'],
    ['Cherche sur internet le prix du blé', 'asks for a web search'],
    ['Busca en internet el precio del trigo', 'asks for a web search'],
    ['上网搜一下楚格峰的高度', 'asks for a web search'],
    ['What is the latest version of PostgreSQL?', '“latest”'],
    ['Wie ist das Wetter in Bremen?', '“Wetter”'],
    ['Qui est le président actuel de la France ?', '“actuel”'],
    ['PostgreSQL 的最新版本是什么？', '“最新”'],
    ['Who won the elections in 2026?', 'about 2026'],
    ['What does nodejs.org say about permissions?', 'nodejs.org'],
    ['Who is the mayor of Bremen?', '“Bremen”'],
    ['Wer hat Angela Merkel abgelöst?', '“Angela Merkel”'],
  ])('searches: %s', (text, because) => {
    expect(decide(text)).toMatchObject({ search: true, because: expect.stringContaining(because) })
  })

  it.each([
    'Hello!',
    'Thank you, that is all',
    'Write a poem about Bremen today',
    'Translate this into French: the latest news',
    'Summarize the thread',
    'What did we decide yesterday?',
    'What is in our latest invoice?',
    'What is the current value in the file?',
    'Fix this:\n```js\nconst latest = today()\n```',
    'What is 17 times 23?',
    'Wie funktioniert ein Kondensator?',
    'I found the online form, what is a good title?',
    "Don't search the web. Who is the mayor of Bremen?",
    'Who is the mayor of Bremen? No web search please.',
    'Wer ist Bürgermeister von New York? Bitte ohne Internet.',
  ])('does not search: %s', (text) => {
    expect(decide(text).search).toBe(false)
  })

  it('does not search a question about files by itself, but when it is asked to', () => {
    expect(decide('What is the latest total?', { files: true }).search).toBe(false)
    expect(decide('Compare it with the latest prices, search the web', { files: true }).search).toBe(true)
    expect(decide('What is the total?', { files: true, wish: 'on' }).search).toBe(true)
  })
})

describe('what a place allows', () => {
  it('off: nothing is searched and no link is read, and the answer says so', () => {
    const off = { search: false, links: [], because: expect.stringContaining('The web is off here'), refused: true }
    expect(decide('Search the web for pumps', { policy: 'off' })).toEqual(off)
    expect(decide('What does https://a.example/x say?', { policy: 'off', wish: 'on' })).toEqual(off)
    expect(decide('What is the latest version?', { policy: 'off' })).toEqual({ search: false, links: [] })
  })

  it('on: every question is searched, unless it asks not to be', () => {
    expect(decide('How do capacitors work?', { policy: 'on' }).search).toBe(true)
    expect(decide('How do capacitors work?', { policy: 'on', wish: 'off' }).search).toBe(false)
  })

  it('only local models: no question leaves, but a link that somebody gave is read', () => {
    expect(decide('What is the latest version?', { localOnly: true }).search).toBe(false)
    expect(decide('Search the web for pumps', { localOnly: true }).because).toContain('do not leave the network')
    expect(decide('What does https://a.example/x say?', { localOnly: true }).links).toEqual(['https://a.example/x'])
  })

  it('no search engine: links are read, and a wish is answered with what to connect', () => {
    expect(decide('Search the web for pumps', { engine: false })).toMatchObject({
      search: false,
      because: expect.stringContaining('No search engine is connected'),
    })
    expect(decide('Summarize https://a.example/x', { engine: false })).toMatchObject({ links: ['https://a.example/x'] })
  })

  it('a program that composes its own prompt gets nothing that it did not ask for', () => {
    const program = { program: true, policy: 'on' as const }
    expect(decide('What is the latest version? https://a.example/', program)).toEqual({ search: false, links: [] })
    expect(decide('What is the latest version?', { ...program, wish: 'on' }).search).toBe(true)
  })
})

it.each([
  ['See https://a.example/b.', ['https://a.example/b']],
  ['(https://a.example/b), and <https://a.example/c>', ['https://a.example/b', 'https://a.example/c']],
  ['[text](https://a.example/b?x=1#y)', ['https://a.example/b?x=1#y']],
  ['https://en.wikipedia.org/wiki/Pump_(machine)', ['https://en.wikipedia.org/wiki/Pump_(machine)']],
  ['http://localhost:3000/ and ftp://a.example/', []],
  ['`curl https://a.example/`', []],
  ['https://a.example/b https://a.example/b', ['https://a.example/b']],
])('links in %s', (text, links) => {
  expect(linksIn(text)).toEqual(links)
})

describe('queries', () => {
  it.each([
    ['Search the web for the height of the Zugspitze', ['the height of the Zugspitze']],
    ['Please google heat pumps', ['heat pumps']],
    [
      'Who is the mayor of Bremen? And when was the town hall built?',
      ['Who is the mayor of Bremen?', 'And when was the town hall built?'],
    ],
    ['What does https://a.example/x say about pumps?', ['What does say about pumps?']],
    ['楚格峰有多高？', ['楚格峰有多高？']],
  ])('%s', (text, queries) => {
    expect(webQueries(text, { files: false })).toEqual(queries)
  })

  it('a long question is asked in fewer words, too; at most three are sent, each short', () => {
    const long = `I would like to know which rules about the noise of heat pumps apply in Bremen at night since January 2026?`
    expect(webQueries(long, { files: false })).toEqual([long, expect.stringMatching(/Bremen.*2026/)])
    const many = Array.from({ length: 9 }, (_, i) => `What is thing number ${i} called?`).join(' ')
    expect(webQueries(many, { files: false })).toHaveLength(3)
    for (const query of webQueries('word '.repeat(500), { files: false })) expect(query.length).toBeLessThanOrEqual(200)
  })

  it('with files in the conversation, no query has eight words in a row, whatever was pasted', () => {
    const passage =
      'The supplier shall deliver the condensate pump within thirty days after receipt of the signed order'
    for (const text of [
      `What does this mean: ${passage}?`,
      passage,
      `${passage}? ${passage} and the second valve?`,
      '甲方应在收到发票后三十日内付款并且支付全部费用是什么意思？',
    ]) {
      const queries = webQueries(text, { files: true })
      expect(queries.length).toBeGreaterThan(0)
      for (const query of queries) expect(wordsOf(query).length).toBeLessThan(8)
    }
  })
})
