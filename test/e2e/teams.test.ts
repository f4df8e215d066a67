/** Teams from end to end: a real Parley, the real SDK, and a simulated Teams that enforces Microsoft's rules. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { answerWording } from '../../src/wording/answers.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { makePdf } from '../fixtures/make-pdf.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { startTeams, type TeamsStandIn, tenant } from '../servers/teams.ts'
import {
  alice,
  channel,
  createPeople,
  groupChat,
  type People,
  type Place,
  personalChat,
  thread,
} from '../servers/teams-people.ts'
import { actionsOf, claimsOf, isFinished, isReply, type Shown, until } from '../servers/teams-state.ts'
import { type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

// Other tests share the machine.
vi.setConfig({ testTimeout: 120_000 })

let teams: TeamsStandIn
let people: People
let model: ScriptedOpenAi
let home: string
let parley: ParleyProcess

const root = join(import.meta.dirname, '../..')
const chat: Place = { conversation: personalChat }
/** The stand-in's clock for streams; Parley hands over before it. */
const streamLimitMs = 5000
const words = Array.from({ length: 45 }, (_, n) => `word${n}`)

/** The label that a passage with these words was given under. */
function labelOf(body: unknown, words: string): string {
  const text = JSON.stringify(body)
  return [...text.slice(0, text.indexOf(words)).matchAll(/\[?(\d+:[a-z]\d+(?:-\d+)?)\]?/g)].at(-1)?.[1] ?? '1:p1'
}

beforeAll(async () => {
  teams = await startTeams({ streamLimitMs })
  people = createPeople(teams)
  model = await startScriptedOpenAi({
    script: ({ body }) => {
      const asked = questionTextOf(body)
      if (asked.includes('slowly')) return { tokens: words.map((word) => `${word} `), everyMs: 150 }
      if (asked.includes('while others')) return { tokens: Array.from({ length: 30 }, (_, n) => `${n} `), everyMs: 100 }
      if (asked.includes('at length'))
        return { tokens: Array.from({ length: 2600 }, (_, n) => `Sentence ${n} of it. `), everyMs: 1 }
      const text = JSON.stringify(body)
      if (asked.includes('What is the rent'))
        return { tokens: ['The rent is ', `1,450 € [${labelOf(body, '1,450')}].`], everyMs: 30 }
      const code = asked.includes('Which code') ? /QX-\d+/.exec(text)?.[0] : undefined
      return {
        tokens: code ? ['The code is ', `${code} [${labelOf(body, code)}].`] : ['You asked: ', asked.slice(-60)],
      }
    },
  })
  home = await temporaryHome()
  await writeFile(
    join(home, 'parley.yaml'),
    `admins:\n  - teams/${tenant}/${alice.aadObjectId}\nteams:\n  fileHosts: ["${teams.fileHost}"]\n  streamSeconds: 2\n`,
  )
  parley = await start()
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await model?.close()
  await teams?.[Symbol.asyncDispose]()
  if (home) await removeHome(home)
})
afterEach(() => {
  expect(teams.state.broken.splice(0)).toEqual([])
  expect(teams.seen.tokensAtFiles).toBe(0)
})

async function start(): Promise<ParleyProcess> {
  const started = await startParley(
    home,
    { ...teams.environment(), OPENAI_BASE_URL: model.url, LOG_LEVEL: 'debug' },
    home,
  )
  teams.target = started.url
  return started
}

const shown = ({ conversation }: Place) => teams.state.messages(conversation)
const replies = (place: Place) => shown(place).filter(isReply)
const textOf = (each: Shown | undefined) => each?.activity.text ?? ''

/** The finished reply that comes after `act`. */
async function reply(place: Place, act: () => Promise<{ status: number }>, timeoutMs = 60_000): Promise<Shown> {
  const before = replies(place).filter(isFinished).length
  expect((await act()).status).toBe(200)
  return await until(() => replies(place).filter(isFinished)[before], `a reply in ${place.conversation}`, timeoutMs)
}

async function notice(place: Place, text: string): Promise<Shown> {
  const before = shown(place).length
  expect((await people.say(place, text)).status).toBe(200)
  return await until(
    () =>
      shown(place)
        .slice(before)
        .find((each) => !isReply(each)),
    `an answer to ${text}`,
  )
}

describe('in a personal chat', () => {
  it('a document is read, and the answer is streamed, cited, labeled and open to feedback', async () => {
    const content = await readFile(join(root, 'test/fixtures/made-by-libreoffice/contract.docx'))
    const file = people.addFile('contract.docx', content, { downloads: 1 })
    const answer = await reply(chat, () => people.say(chat, 'What is the rent?', { files: [file] }))
    expect(textOf(answer)).toBe('The rent is 1,450 € [1].')
    expect(answer.stream).toBeDefined()
    expect(claimsOf(answer)).toMatchObject([
      {
        position: 1,
        appearance: {
          name: 'contract.docx, lines 1–51',
          abstract: expect.stringContaining('The rent is 1,450 € a month, due'),
        },
      },
    ])
    expect(answer.activity).toMatchObject({
      entities: expect.arrayContaining([expect.objectContaining({ additionalType: ['AIGeneratedContent'] })]),
      channelData: { feedbackLoop: { type: 'default' } },
    })
    // Nothing that the reader must know.
    expect(answer.activity.attachments?.[0]?.content?.body).toEqual([])
    expect(actionsOf(answer).map((action) => action.split(':')[0])).toEqual([
      'regenerate',
      'cheaper',
      'better',
      'why',
      'mine',
    ])
  })

  it('thumbs and buttons work and confirm it', async () => {
    const answer = await reply(chat, () => people.say(chat, 'Hello there'))
    const actionValue = { reaction: 'dislike', feedback: '{"feedbackText":"Too short."}' }
    const judged = await people.invoke(
      chat,
      'message/submitAction',
      { actionName: 'feedback', actionValue },
      { replyToId: answer.id },
    )
    expect(judged.status).toBe(200)
    const turnId = actionsOf(answer)[0]?.split(':')[1] ?? ''
    const why = await people.press(chat, answer.id, { kind: 'why', turnId })
    expect(why).toMatchObject({
      status: 200,
      body: { statusCode: 200, type: 'application/vnd.microsoft.activity.message' },
    })
    const edits = answer.edits
    await people.press(chat, answer.id, { kind: 'regenerate', turnId })
    await until(() => answer.edits > edits && isFinished(answer), 'the regenerated answer in its place')
    expect(textOf(answer)).toContain('Hello there')
  })

  it('an answer that outlasts Teams’ stream limit continues with edits of the same message', async () => {
    const before = replies(chat).length
    const answer = await reply(chat, () => people.say(chat, 'Count slowly'))
    expect(replies(chat).length).toBe(before + 1)
    expect(answer.stream?.state).toBe('final')
    expect(answer.edits).toBeGreaterThan(0)
    expect(textOf(answer)).toBe(words.join(' '))
  })

  it('Teams’ own Stop button stops the answer, whose text stays as it is', async () => {
    const before = replies(chat).length
    await people.say(chat, 'Count slowly again')
    const streaming = await until(
      () =>
        replies(chat)
          .slice(before)
          .find(({ stream }) => stream && stream.text !== ''),
      'a stream',
    )
    if (streaming.stream) streaming.stream.state = 'cancelled'
    const shown = textOf(streaming)
    // The next question is answered once the stopped one has ended.
    await reply(chat, () => people.say(chat, 'What now?'))
    expect(replies(chat).slice(before)).toHaveLength(2)
    expect(textOf(streaming)).toBe(shown)
    expect(shown).not.toContain('word44')
  })

  it('a file with an expired link is named, and the question is answered without it', async () => {
    teams.consent.files = false
    const file = people.addFile('plan.pdf', Buffer.from('%PDF-1.4'), { downloads: 0 })
    const answer = await reply(chat, () => people.say(chat, 'What does the plan say?', { files: [file] }))
    expect(JSON.stringify(answer.activity.attachments)).toContain('plan.pdf')
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain('plan.pdf')
    teams.consent.files = true
  })

  it('a long answer is posted as its first messages, plus a file once the person agrees', async () => {
    const answer = await reply(chat, () => people.say(chat, 'Tell it at length'))
    expect(textOf(answer)).toContain(answerWording.continuedInFile('tell-it-at-length.md'))
    const isCard = ({ activity }: Shown) => activity.attachments?.[0]?.contentType.endsWith('file.consent') === true
    const card = await until(() => shown(chat).find(isCard), 'the card of a file')
    const [asked] = card.activity.attachments ?? []
    const { uploadId, answered } = people.accept(chat, card.id, asked?.name ?? '', asked?.content?.acceptContext)
    expect((await answered).status).toBe(200)
    const content = await until(() => teams.uploads.get(uploadId), 'the file')
    expect(content.toString()).toContain('Sentence 2599 of it.')
    await until(
      () => card.activity.attachments?.[0]?.contentType.endsWith('file.info'),
      'the file in the place of its card',
    )
  })

  it('commands work with and without `/parley`; one word needs it', async () => {
    expect(textOf(await notice(chat, '/parley help'))).toContain('budget')
    expect(textOf(await notice(chat, 'budget set everywhere 20 month'))).toMatch(/\$20/)
    expect(textOf(await notice(chat, 'budget list'))).toMatch(/\$20/)
    const usage = await notice(chat, '/parley usage')
    expect(usage.activity.attachments?.[0]).toMatchObject({
      contentType: 'image/png',
      contentUrl: expect.stringMatching(/^data:image\/png;base64,/),
    })
    const why = await reply(chat, () => people.say(chat, 'Why'))
    expect(textOf(why)).toContain('Why')
    const asked = await reply(chat, () => people.say(chat, 'budget questions: which ones are there?'))
    expect(textOf(asked)).toContain('which ones are there?')
  })
})

describe('in a channel', () => {
  it('a mention is answered in its thread by edits, and follow-ups need no mention', async () => {
    const place = thread('1767000000001')
    const answer = await reply(place, () => people.say(place, 'Who are you?', { id: '1767000000001' }))
    expect(answer.stream).toBeUndefined()
    expect(textOf(answer)).toContain('Who are you?')
    const next = await reply(place, () => people.say(place, 'And then?', { quiet: true }))
    expect(textOf(next)).toContain('And then?')
    const others = thread('1767000000002')
    await people.say(others, 'Lunch?', { quiet: true })
    expect(shown(others)).toEqual([])
  })

  it('two threads at once stay separate', async () => {
    const [one, two] = [thread('1767000000011'), thread('1767000000022')]
    const [first, second] = await Promise.all([
      reply(one, () => people.say(one, 'Count to one, while others wait')),
      reply(two, () => people.say(two, 'Second thread')),
    ])
    expect(textOf(first)).toMatch(/^0 1 2 /)
    expect(textOf(second)).toContain('Second thread')
    expect(textOf(second)).not.toContain('29')
    expect(replies(one)).toHaveLength(1)
    expect(replies(two)).toHaveLength(1)
    const asked = model.requests.map(({ body }) => JSON.stringify(body)).find((body) => body.includes('Second thread'))
    expect(asked).not.toContain('Count to one')
  })

  it('shared files are read through Graph; without consent the answer says what an admin must do', async () => {
    const place = thread('1767000000033')
    const content = await makePdf((doc) => doc.addPage().text('The gate opens with code QX-33.'))
    const file = people.addFile('gate.pdf', content)
    const contentUrl = `https://contoso.sharepoint.com/sites/team/${file.id}/gate.pdf`
    const share = async (id: string) => {
      teams.graphMessages.set(`messages/${id}`, {
        attachments: [{ id: 'x1', contentType: 'reference', contentUrl, name: 'gate.pdf' }],
      })
      const message = people.message(place, 'Which code?', { id })
      const html = { contentType: 'text/html', content: '<p>Which code?</p><attachment id="x1"></attachment>' }
      return await teams.deliver({ ...message, attachments: [html] })
    }
    const read = await reply(place, () => share('1767000000033'))
    expect(textOf(read)).toBe('The code is QX-33 [1].')
    expect(claimsOf(read)[0]?.appearance.name).toBe('gate.pdf, p. 1')
    Object.assign(teams.consent, { files: false, messages: false })
    const other = thread('1767000000044')
    const refused = await reply(other, () =>
      teams.deliver({
        ...people.message(other, 'Which code?', { id: '1767000000044' }),
        attachments: [{ contentType: 'text/html', content: '<p>Which code?</p><attachment id="x1"></attachment>' }],
      }),
    )
    expect(JSON.stringify(refused.activity.attachments)).toMatch(/Files.*Read.*All.*an admin/)
    Object.assign(teams.consent, { files: true, messages: true })
  })

  it('that others began, the model is given what they said and the file that they shared', async () => {
    const place = thread('1767000000066')
    const content = await makePdf((doc) => doc.addPage().text('The gate opens with code QX-66.'))
    const contentUrl = `https://contoso.sharepoint.com/sites/team/${people.addFile('gate.pdf', content).id}/gate.pdf`
    const attachments = [{ id: 'x6', contentType: 'reference', contentUrl, name: 'gate.pdf' }]
    teams.said.say(place.conversation, { id: '1767000000066', html: '<p>The plumber wants <b>410</b> €</p>' })
    teams.said.say(place.conversation, {
      id: '1767000000067',
      html: '<attachment id="x6"></attachment>',
      more: { attachments },
    })
    const answer = await reply(place, () => people.say(place, 'Which code?', { id: '1767000000068' }))
    expect(textOf(answer)).toBe('The code is QX-66 [1].')
    const given = model.requests.map(({ body }) => JSON.stringify(body)).findLast((body) => body.includes('Which code'))
    expect(given).toContain('Bob: The plumber wants **410** €')
  })

  it('a question that its author deletes while it is answered is taken back', async () => {
    const place = thread('1767000000077')
    await people.say(place, 'Count slowly to the end', { id: '1767000000078' })
    await until(() => replies(place).find((each) => textOf(each).includes('word3')), 'a part of the answer')
    const about = people.about(place) as { channelData: object }
    const channelData = { ...about.channelData, eventType: 'softDeleteMessage' }
    const deletion = { ...about, type: 'messageDelete', id: '1767000000078', channelData }
    expect((await teams.deliver(deletion)).status).toBe(200)
    await until(() => replies(place).length === 0, 'an empty thread')
    const next = await reply(place, () => people.say(place, 'Who is there?'))
    expect(textOf(next)).toContain('Who is there?')
    expect(replies(place)).toHaveLength(1)
    const given = model.requests
      .map(({ body }) => JSON.stringify(body))
      .findLast((body) => body.includes('Who is there'))
    expect(given).not.toContain('Count slowly')
  })

  it('gets one greeting when Parley is added', async () => {
    const place = { conversation: channel }
    const added = {
      ...people.about(place),
      type: 'conversationUpdate',
      membersAdded: [{ id: '28:11111111-2222-4333-8444-555555555555' }],
    }
    await teams.deliver({ ...added, id: 'f:added' })
    await until(() => shown(place)[0], 'a greeting')
    await teams.deliver({ ...added, id: 'f:again' })
    await teams.deliver({ ...people.about(place), type: 'installationUpdate', action: 'add', id: 'f:installed' })
    await notice(thread('1767000000055'), '/parley help')
    expect(shown(place).filter((each) => textOf(each) === teamsWording.greeting.channel)).toHaveLength(1)
  })
})

describe('a file that was shared in a group chat last week', () => {
  const heron: Place = { conversation: '19:heron000000000000000000000000000@thread.v2' }
  const chatOf = (name: string): Place => ({ conversation: `a:1personal-chat-of-${name}` })
  const person = (name: string, n: number) => ({
    id: `29:1${name}-of-the-directory`,
    name,
    aadObjectId: `bbbbbbbb-0000-4000-8000-00000000000${n}`,
  })
  const [bob, cem] = [person('Bob', 1), person('Cem', 2)]
  const question = 'Which code opens the heron gate?'
  const contentUrl = (id: string) => `https://contoso.sharepoint.com/personal/bob/Documents/${id}/heron.pdf`
  /** What the model was given with the last question. */
  const given = () =>
    JSON.stringify(model.requests.findLast(({ body }) => questionTextOf(body).includes(question))?.body)
  const passage = 'heron gate opens'
  let url: string

  beforeAll(async () => {
    for (const each of [bob, cem]) teams.people.set(each.id, each)
    teams.said.members.set(
      heron.conversation,
      new Map([alice, bob].map(({ aadObjectId }) => [aadObjectId, '0001-01-01T00:00:00Z'])),
    )
    const content = await makePdf((doc) => doc.addPage().text('The heron gate opens with code QX-88.'))
    url = contentUrl(people.addFile('heron.pdf', content).id)
    const id = '1767000000091'
    const attachments = [{ id: 'h1', contentType: 'reference', contentUrl: url, name: 'heron.pdf' }]
    teams.graphMessages.set(`messages/${id}`, { attachments })
    const lastWeek = new Date(Date.now() - 7 * 24 * 3_600_000).toISOString()
    const html = { contentType: 'text/html', content: '<p>Read it</p><attachment id="h1"></attachment>' }
    const message = { ...people.message(heron, 'Read it', { id, from: bob }), timestamp: lastWeek, attachments: [html] }
    await reply(heron, () => teams.deliver(message))
  })

  it('is found in a personal chat by a member, with a citation that opens', async () => {
    const answer = await reply(chat, () => people.say(chat, question))
    expect(textOf(answer)).toBe('The code is QX-88 [1].')
    expect(claimsOf(answer)[0]?.appearance).toMatchObject({
      name: 'heron.pdf, p. 1',
      keywords: expect.arrayContaining([expect.stringContaining('Bob')]),
      url,
    })
  })

  it('is not found by somebody who is not in the chat', async () => {
    const answer = await reply(chatOf('cem'), () => people.say(chatOf('cem'), question, { from: cem }))
    expect(textOf(answer)).not.toContain('QX-88')
    expect(given()).not.toContain(passage)
  })

  it('is not found any more by somebody who was removed from the chat', async () => {
    const ask = () => reply(chatOf('bob'), () => people.say(chatOf('bob'), question, { from: bob }))
    await ask()
    expect(given()).toContain(passage)
    const { id, aadObjectId } = bob
    teams.said.members.get(heron.conversation)?.delete(aadObjectId)
    const event = { type: 'conversationUpdate', id: 'f:removed', membersRemoved: [{ id, aadObjectId }] }
    await teams.deliver({ ...people.about(heron), ...event })
    await ask()
    expect(given()).not.toContain(passage)
  })

  it('is gone when Parley is removed from the chat', async () => {
    await teams.deliver({ ...people.about(heron), type: 'installationUpdate', action: 'remove', id: 'f:gone' })
    await reply(chat, () => people.say(chat, question))
    expect(given()).not.toContain(passage)
  })
})

describe('when Teams limits the rate or a worker dies', () => {
  it('many 429s delay an answer without losing any of it', async () => {
    const place: Place = { conversation: groupChat }
    teams.state.storm(6)
    const answer = await reply(place, () => people.say(place, 'Count, while others wait'))
    expect(textOf(answer)).toBe(Array.from({ length: 30 }, (_, n) => n).join(' '))
    expect(replies(place)).toHaveLength(1)
    expect(teams.state.calls.filter(({ status }) => status === 429)).toHaveLength(6)
  })

  it('after a crash in mid-stream, there is one whole answer', async () => {
    const before = replies(chat).length
    await people.say(chat, 'Count slowly to the end')
    const half = await until(
      () =>
        replies(chat)
          .slice(before)
          .find(({ stream }) => stream?.text.includes('word5')),
      'half an answer',
    )
    await parley.kill('SIGKILL')
    parley = await start()
    await until(() => isFinished(half), 'the rest of it')
    expect(replies(chat).length).toBe(before + 1)
    expect(textOf(half)).toBe(words.join(' '))
  })

  it('in a group chat the talk of people is none of its business', async () => {
    const place: Place = { conversation: groupChat }
    const [before, asked] = [shown(place).length, model.requests.length]
    for (const text of ['Thanks. Bob, can you send me the invoice?', 'sure, give me five minutes', 'lol'])
      expect((await people.say(place, text, { quiet: true })).status).toBe(200)
    await reply(thread('1767000000088'), () => people.say(thread('1767000000088'), 'Who are you?'))
    expect([shown(place).length - before, model.requests.length - asked]).toEqual([0, 1])
  })

  it('the pages of the app package are there for anyone', async () => {
    for (const name of ['about', 'privacy', 'terms'] as const) {
      const response = await fetch(`${parley.url}/teams/${name}`, { headers: { 'x-forwarded-for': '203.0.113.9' } })
      expect([response.status, await response.text()]).toEqual([
        200,
        expect.stringContaining(teamsWording.pages[name].title),
      ])
    }
  })

  it('the log contains no tokens, no secrets and nothing that people wrote', () => {
    const log = parley.log()
    for (const secret of ['the-secret-of-the-app', 'tempauth', 'Count slowly', 'eyJ']) expect(log).not.toContain(secret)
  })
})
