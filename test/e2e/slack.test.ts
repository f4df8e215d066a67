/** Slack as people use it: a real Parley, a simulated Slack over signed HTTP, a scripted model. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { undeliveredWording } from '../../src/wording/answers.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { makePdf } from '../fixtures/make-pdf.ts'
import { sayTones } from '../fixtures/tone-speech.ts'
import { type ScriptedOpenAi, type ScriptedReply, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { startSlack } from '../servers/slack.ts'
import { erase } from '../servers/slack-context.ts'
import { addPeople, alice, finished } from '../servers/slack-rig.ts'
import { rush, slackTiers } from '../servers/slack-rush.ts'
import { bot, buttonsOf, type StandInFile, type StandInMessage, shown } from '../servers/slack-state.ts'
import type { SlackStandIn } from '../servers/slack-types.ts'
import { type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

let slack: SlackStandIn
let model: ScriptedOpenAi
let home: string
let parley: ParleyProcess
/** What the model says to a question that contains the word. */
const answers = new Map<string, ScriptedReply | ((asked: string) => ScriptedReply)>()
const general = 'C0GENERAL1'
const direct = 'D0ALICE001'

async function start(): Promise<void> {
  parley = await startParley(home, {
    SLACK_BOT_TOKEN: bot.token,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_API_URL: slack.apiUrl,
    OPENAI_BASE_URL: model.url,
  })
  slack.target = parley.url
}

beforeAll(async () => {
  slack = await startSlack()
  addPeople(slack)
  model = await startScriptedOpenAi({
    script({ body }) {
      const asked = questionTextOf(body)
      const [, answer] = [...answers].find(([word]) => asked.includes(word)) ?? []
      return typeof answer === 'function' ? answer(asked) : (answer ?? { tokens: ['Here ', 'you ', 'are.'] })
    },
  })
  home = await temporaryHome()
  await start()
})
afterEach(() => {
  answers.clear()
  slack.options = {}
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await slack?.[Symbol.asyncDispose]()
  await model?.close()
  if (home) await removeHome(home)
})

const mention = (text: string, files: StandInFile[] = []) =>
  slack.say({ channel: general, text: `<@${bot.user}> ${text}`, mention: true, files })

/** The finished reply in a thread, as far as it goes over several messages. */
async function reply(channel: string, thread: string, last = 0): Promise<StandInMessage> {
  return await slack.until(() => slack.replies(channel, thread).filter(finished)[last], 'a finished reply')
}
const text = (message: StandInMessage) => JSON.stringify(message.blocks)
const words = (count: number, word = 'word') => Array.from({ length: count }, (_, at) => `${word}${at} `)
const markdown = (name: string, content: string) =>
  slack.addFile({ name, mimetype: 'text/markdown', content: Buffer.from(content) })

describe('in a channel', () => {
  it('a mention with a PDF gets an answer in its thread that links the page', async () => {
    answers.set('north gate', { tokens: ['The code ', 'is QX-4471 ', '[1:p1].'] })
    const content = await makePdf((doc) => void doc.addPage().text('The north gate opens with code QX-4471.'))
    const file = slack.addFile({ name: 'manual.pdf', mimetype: 'application/pdf', content })
    const { ts, delivered } = await mention('What is the code of the north gate?', [file])
    expect(delivered.map(({ status }) => status)).toEqual([200, 200])

    const answer = await reply(general, ts)
    const link = `https://acme.slack.com/files/${file.id}/manual.pdf`
    expect(shown(answer)).toBe(`The code is QX-4471 [[1]](${link}).`)
    expect(text(answer)).toContain(`<${link}|manual.pdf, p. 1>`)
    expect(text(answer)).not.toContain('Files:')
    expect(answer.streaming_state).toBe('completed')
    expect([...answer.tasks.values()].map(({ status }) => status)).not.toContain('in_progress')
    await slack.until(() => slack.state.sessions.get(`${general}/${ts}`) !== 'processing', 'the session rests')
    await slack.until(() => !slack.state.statuses.has(`${general}/${ts}`), 'the status goes')
    expect(slack.replies(general, ts)).toHaveLength(1)
  })

  it('a follow-up in the thread needs no mention, and remembers the shared file', async () => {
    const { ts } = await mention('Keep this in mind.', [markdown('keys.md', 'The cellar key hangs behind the boiler.')])
    await reply(general, ts)
    answers.set('Where is the cellar key', (asked) => ({
      tokens: [asked.includes('behind the boiler') ? 'Behind the boiler [1:l1].' : 'I do not know.'],
    }))
    await slack.say({ channel: general, thread: ts, text: 'Where is the cellar key?' })
    expect(shown(await reply(general, ts, 1))).toContain('Behind the boiler')
    await slack.say({ channel: general, thread: ts, text: '<@U0BOB00001> did you hang it there?' })
    await slack.say({ channel: general, text: 'Lunch, anybody?' })
    await slack.event({
      type: 'message',
      channel: general,
      channel_type: 'channel',
      bot_id: 'B0OTHER01',
      user: 'U0OTHER001',
      ts: slack.state.nextTs(),
      thread_ts: ts,
      text: `<@${bot.user}> hello`,
    })
    expect(slack.replies(general, ts)).toHaveLength(2)
  })

  it('mentioned in a thread of others, Parley knows what they wrote, bot attachments included', async () => {
    answers.set('alert', (asked) => ({
      tokens: [asked.includes('disk 97 % full') ? 'The disk is nearly full.' : 'Which alert?'],
    }))
    const root = slack.state.nextTs()
    slack.state.messages.push({
      channel: general,
      ts: root,
      bot_id: 'B0MONITOR',
      text: '',
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'web-1: disk 97 % full' } }],
      tasks: new Map(),
      files: [],
      edits: 0,
    })
    await slack.say({
      channel: general,
      thread: root,
      text: `<@${bot.user}> what does this alert mean?`,
      mention: true,
    })
    expect(shown(await reply(general, root))).toBe('The disk is nearly full.')
  })

  it('an event delivered three times is answered once', async () => {
    const before = model.requests.length
    const ts = slack.state.nextTs()
    const event = {
      type: 'app_mention',
      channel: general,
      user: alice,
      ts,
      event_ts: ts,
      text: `<@${bot.user}> once only`,
    }
    for (const retry of [0, 1, 2]) expect((await slack.event(event, { retry })).status).toBe(200)
    await reply(general, ts)
    expect(model.requests.length - before).toBe(1)
    expect(slack.replies(general, ts)).toHaveLength(1)
  })
})

describe('in a direct message', () => {
  it('reads three files and a voice clip, which is the question', async () => {
    answers.set('north gate', (asked) => ({
      tokens: [
        ['QX-4471', 'behind the boiler', 'Mondays'].every((known) => asked.includes(known))
          ? 'All three read.'
          : 'Something is missing.',
      ],
    }))
    const clip = slack.addFile({
      name: 'audio_message.webm',
      mimetype: 'audio/webm',
      content: sayTones([4]),
      more: {
        subtype: 'slack_audio',
        duration_ms: 1200,
        transcription: { status: 'complete', preview: { content: 'Where is the north gate key?', has_more: false } },
      },
    })
    const files = [
      markdown('gate.md', 'The north gate opens with code QX-4471.'),
      markdown('keys.md', 'The cellar key hangs behind the boiler.'),
      markdown('garden.md', 'The garden is watered on Mondays.'),
      clip,
    ]
    const { ts } = await slack.say({ channel: direct, text: '', files })
    const answer = await reply(direct, ts)
    expect(shown(answer)).toContain('All three read.')
    expect(shown(answer)).toContain('Where is the north gate key?')
    expect(text(answer)).not.toContain('Files:')
  })

  it('each question starts a conversation of the agent view, with a title and a memory of its own', async () => {
    answers.set('What is new?', { tokens: ['The yellow boat.'] })
    const { ts } = await slack.say({ channel: direct, text: 'What is new?' })
    const answer = await reply(direct, ts)
    expect(answer.streaming_state).toBe('completed')
    expect(slack.state.titles.get(`${direct}/${ts}`)).toBe('What is new?')
    answers.set('other topic', { tokens: ['Yes.'] })
    const other = await slack.say({ channel: direct, text: 'A wholly other topic' })
    await reply(direct, other.ts)
    expect(JSON.stringify(model.requests.at(-1)?.body)).not.toContain('yellow boat')
  })
})

describe('while an answer is written', () => {
  it("Slack's stop button stops the answer, and the text so far stays", async () => {
    answers.set('long story', { tokens: words(400), everyMs: 40 })
    const { ts } = await mention('Tell me a long story.')
    const open = await slack.until(
      () => slack.replies(general, ts).find((each) => each.text.includes('word5 ')),
      'some text',
    )
    await slack.event({
      type: 'agent_session_stopped',
      channel: general,
      thread_ts: ts,
      user: alice,
      streaming_message_ts: [open.ts],
      event_ts: slack.state.nextTs(),
    })
    const answer = await reply(general, ts)
    expect(shown(answer)).toContain('word5 ')
    expect(shown(answer)).not.toContain('word399')
    expect(text(answer)).toContain('Stopped before the end.')
    await slack.until(() => slack.state.sessions.get(`${general}/${ts}`) === 'active', 'the session rests')
  })

  it('editing the question after the answer started offers a new answer, and the button gives it', async () => {
    answers.set('colour', (asked) => ({
      tokens: [asked.includes('blue') ? 'Blue it is.' : 'Red it is.'],
      everyMs: 300,
      firstAfterMs: 200,
    }))
    const before = model.requests.length
    const { ts } = await mention('Which colour, red?')
    await slack.until(() => model.requests.length > before, 'the turn has begun')
    const message = { type: 'message', user: alice, ts, text: `<@${bot.user}> Which colour, blue?` }
    const previous_message = { ...message, text: `<@${bot.user}> Which colour, red?` }
    await slack.event({
      type: 'message',
      subtype: 'message_changed',
      channel: general,
      channel_type: 'channel',
      hidden: true,
      ts: slack.state.nextTs(),
      event_ts: slack.state.nextTs(),
      message,
      previous_message,
    })
    const offer = await slack.until(
      () => slack.state.messages.find((each) => each.only === alice && buttonsOf(each)[0]?.startsWith('regenerate:')),
      'an offer',
    )
    const [value = ''] = buttonsOf(offer)
    expect(value).toMatch(/^regenerate:/)
    expect(shown(await reply(general, ts))).toBe('Red it is.')
    await slack.interact({
      type: 'block_actions',
      user: { id: alice },
      channel: { id: general },
      container: { type: 'message', message_ts: offer.ts, is_ephemeral: true },
      actions: [{ type: 'button', action_id: 'parley:regenerate', block_id: 'b', value }],
    })
    await slack.until(
      () => slack.replies(general, ts).some((each) => finished(each) && shown(each) === 'Blue it is.'),
      'the new answer',
    )
    expect(slack.replies(general, ts)).toHaveLength(1)
  })

  it('a stream that Slack ended continues with edits of the same message', async () => {
    answers.set('endless', { tokens: words(90), everyMs: 40 })
    const { ts } = await mention('An endless answer, please.')
    await slack.until(() => slack.replies(general, ts).some((each) => each.text.includes('word5 ')), 'some text')
    slack.state.advance(301_000)
    const answer = await reply(general, ts)
    expect(answer.streaming_state).toBe('errored')
    expect(answer.edits).toBeGreaterThan(0)
    expect(shown(answer).trim().split(/\s+/)).toEqual(words(90).map((word) => word.trim()))
    expect(slack.replies(general, ts)).toHaveLength(1)
    expect(slack.calls.some(({ error }) => error === 'message_not_in_streaming_state')).toBe(true)
  })

  it('with every third call rate-limited, each answer still arrives, once', async () => {
    let index = 0
    slack.options = { limit: () => (index++ % 3 === 2 ? 1 : undefined) }
    answers.set('hurry', { tokens: words(60), everyMs: 20 })
    const { ts } = await mention('No hurry.')
    const { ts: second } = await mention('In a hurry.')
    for (const thread of [ts, second]) {
      expect(
        shown(await reply(general, thread))
          .trim()
          .split(/\s+/),
      ).toEqual(words(60).map((word) => word.trim()))
      expect(slack.replies(general, thread)).toHaveLength(1)
    }
    expect(slack.calls.filter(({ error }) => error === 'ratelimited').length).toBeGreaterThan(3)
  })

  it('in a workspace without streaming, the answer grows by edits, with a Stop button', async () => {
    slack.options = {
      without: {
        'chat.startStream': 'unknown_method',
        'agents.sessions.setStatus': 'unknown_method',
        'assistant.threads.setStatus': 'missing_scope',
      },
    }
    answers.set('old workspace', { tokens: words(60), everyMs: 40 })
    const place = { channel: 'C0OLDWORK1', text: `<@${bot.user}> How is it in an old workspace?`, mention: true }
    const { ts } = await slack.say(place)
    const growing = await slack.until(
      () => slack.replies('C0OLDWORK1', ts).find((each) => buttonsOf(each)[0]?.startsWith('stop:')),
      'a growing message',
    )
    const answer = await reply('C0OLDWORK1', ts)
    expect(answer.ts).toBe(growing.ts)
    expect(answer.streaming_state).toBeUndefined()
    expect(shown(answer)).toContain('word59')
    expect(buttonsOf(answer).some((value) => value.startsWith('stop:'))).toBe(false)
  })
})

describe('what belongs to a question', () => {
  it('called into a long thread of others, Parley knows its end and its files, and says what it could not read', async () => {
    answers.set('what did we decide', (asked) => ({
      tokens: [
        asked.includes('build 4711') && asked.includes('Bob:') ? 'Back to 4711. ' : 'I do not know. ',
        'It is red [1:l1].',
      ],
    }))
    slack.state.users.set('U0BOB00001', { id: 'U0BOB00001', name: 'Bob', team: 'T0PARLEY01', more: {} })
    const files = [markdown('spec.md', 'The cable is red.')]
    const { ts: root } = await slack.say({
      channel: general,
      user: 'U0BOB00001',
      text: 'The release is broken.',
      files,
    })
    for (let at = 1; at <= 180; at += 1) {
      const said = at === 179 ? 'Decision: we roll back to build 4711.' : `Thought ${at}`
      const rest = { user: 'U0BOB00001', blocks: [], tasks: new Map(), files: [], edits: 0 }
      slack.state.messages.push({ channel: general, ts: slack.state.nextTs(), thread_ts: root, text: said, ...rest })
    }
    await slack.say({ channel: general, thread: root, text: `<@${bot.user}> what did we decide?`, mention: true })
    const answer = await reply(general, root)
    expect(shown(answer)).toMatch(/^Back to 4711\. It is red \[\[1\]\]\(https:[^)]+\)\.$/)
    expect(text(answer)).toContain('|spec.md, line 1>')

    answers.set('and on Monday', { tokens: ['Nothing.'] })
    slack.options = { without: { 'conversations.replies': 'not_in_channel' } }
    await slack.say({ channel: general, thread: root, text: `<@${bot.user}> and on Monday?`, mention: true })
    expect(text(await reply(general, root, 1))).toContain(slackWording.context.above.noAccess)
  })

  it('a mention whose file comes with its second event is one question with the file', async () => {
    answers.set('shed code', (asked) => ({ tokens: [asked.includes('QX-17') ? 'QX-17.' : 'Which file?'] }))
    const ts = slack.state.nextTs()
    const said = { user: alice, channel: general, ts, event_ts: ts, text: `<@${bot.user}> what is the shed code?` }
    const file = slack.fileRecord(markdown('shed.md', 'The shed opens with QX-17.'))
    const message = { type: 'message', subtype: 'file_share', channel_type: 'channel', ...said, files: [file] }
    await Promise.all([slack.event({ type: 'app_mention', ...said }), slack.event(message)])
    expect(shown(await reply(general, ts))).toBe('QX-17.')
    expect(slack.replies(general, ts)).toHaveLength(1)
  })
})

describe('a question that is stopped or taken back', () => {
  it("another participant's press of Slack's stop button stops the answer, too", async () => {
    answers.set('second story', { tokens: words(400), everyMs: 40 })
    const { ts } = await mention('Tell me a second story.')
    await slack.until(() => slack.replies(general, ts).some((each) => each.text.includes('word5 ')), 'some text')
    const { status } = await slack.event({
      type: 'agent_session_stopped',
      channel: general,
      thread_ts: ts,
      user: 'U0BOB00001',
      streaming_message_ts: [],
      event_ts: slack.state.nextTs(),
    })
    expect(status).toBe(200)
    expect(shown(await reply(general, ts))).not.toContain('word399')
  })

  it('"stop" in the thread stops the answer', async () => {
    answers.set('third story', { tokens: words(400), everyMs: 40 })
    const { ts } = await mention('Tell me a third story.')
    await slack.until(() => slack.replies(general, ts).some((each) => each.text.includes('word5 ')), 'some text')
    await slack.say({ channel: general, thread: ts, text: 'stop' })
    expect(shown(await reply(general, ts))).not.toContain('word399')
    expect(slack.replies(general, ts)).toHaveLength(1)
  })

  it('deleting the question takes the answer back, and its words are gone', async () => {
    answers.set('secret story', { tokens: words(400, 'tango'), everyMs: 40 })
    const { ts } = await mention('Tell me a secret story.')
    await slack.until(() => slack.replies(general, ts).some((each) => each.text.includes('tango5 ')), 'some text')
    expect(await erase(slack, general, ts)).toBe(200)
    await slack.until(() => slack.replies(general, ts).length === 0, 'the answer goes')
    answers.set('what did I say', { tokens: ['Nothing.'] })
    await slack.say({ channel: general, thread: ts, text: `<@${bot.user}> what did I say?`, mention: true })
    await reply(general, ts)
    expect(JSON.stringify(model.requests.at(-1)?.body)).not.toContain('secret story')
  })
})

describe('long answers and commands', () => {
  it('an answer of 30,000 characters is posted as its start plus a file, with tables and code intact', async () => {
    const part = (at: number) =>
      `## Part ${at}\n\n${'Some words of this part. '.repeat(40)}\n\n| Region | Net |\n|:--|--:|\n| North ${at} | 1,200 |\n\n\`\`\`js\nconst part = ${at}\n\`\`\`\n\n<!channel> @here\n\n`
    const whole = Array.from({ length: 30 }, (_, at) => part(at)).join('')
    expect(whole.length).toBeGreaterThan(30_000)
    answers.set('everything', { tokens: whole.match(/[\s\S]{1,400}/g) ?? [] })
    const { ts } = await mention('Tell me everything.')
    await slack.until(() => slack.replies(general, ts).some(({ files }) => files.length > 0), 'the file', 30_000)
    await slack.until(() => slack.replies(general, ts).some(finished), 'the end')
    const messages = slack.replies(general, ts).filter(({ files }) => files.length === 0)
    expect(messages.length).toBeLessThanOrEqual(3)
    expect(shown(messages[0] ?? slack.state.messages[0] ?? never())).toContain(
      '| Region | Net |\n|:--|--:|\n| North 0 |',
    )
    const [id] = slack.replies(general, ts).flatMap(({ files }) => files)
    const file = slack.state.files.get(id ?? '')
    expect(file?.content.toString()).toContain('const part = 29')
    expect(slack.calls.map(({ error }) => error)).not.toContain('stand_in_saw_a_ping')
  })

  it('a workspace owner may set a budget, others may not', async () => {
    const type = async (user: string, words: string) => {
      const { status, body } = await slack.form({
        command: '/parley',
        text: words,
        user_id: user,
        user_name: user,
        channel_id: general,
        channel_name: 'general',
      })
      expect(status).toBe(200)
      return body === '' ? String((await slack.until(() => slack.state.responses.at(-1), 'the answer')).text) : body
    }
    const refused = await type(alice, 'budget set channel 20 month')
    expect(refused).toMatch(/manager|admin/i)
    expect(await type('U0OWNER001', 'budget set channel 20 month')).toContain('20')
    const seen = await type('U0OWNER001', 'budget list')
    expect(seen).toContain('$20')
    expect(seen).toContain('month')
  })

  it('where follow-ups need a mention, one without it is left alone', async () => {
    const quiet = 'C0QUIET001'
    const follow = async (words: string, mention = false) =>
      await slack.say({ channel: quiet, thread: ts, text: mention ? `<@${bot.user}> ${words}` : words, mention })
    const { ts } = await slack.say({ channel: quiet, text: `<@${bot.user}> hello`, mention: true })
    await reply(quiet, ts)
    const { status } = await slack.form({
      command: '/parley',
      text: 'policy follow-ups named for channel',
      user_id: 'U0OWNER001',
      user_name: 'olga',
      channel_id: quiet,
      channel_name: 'quiet',
    })
    expect(status).toBe(200)
    const before = model.requests.length
    await follow('and tomorrow?')
    await follow('and on Friday?', true)
    await reply(quiet, ts, 1)
    expect(model.requests.length).toBe(before + 1)
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain('and on Friday?')
  })

  it('a slash command is answered at once, and a question in a new thread', async () => {
    const helped = await slack.form({
      command: '/parley',
      text: '',
      user_id: alice,
      user_name: 'alice',
      channel_id: general,
      channel_name: 'general',
    })
    expect(helped.status).toBe(200)
    expect(JSON.parse(helped.body)).toMatchObject({ blocks: expect.any(Array) })
    await slack.form({
      command: '/parley',
      text: 'what is the tallest mountain of Wales?',
      user_id: alice,
      user_name: 'alice',
      channel_id: general,
      channel_name: 'general',
    })
    const root = await slack.until(
      () => slack.replies(general).find(({ text: said }) => said.includes('tallest mountain')),
      'the question',
    )
    expect(shown(await reply(general, root.ts))).toBe('Here you are.')
  })
})

it('many questions at once are all answered, each thread in its order', async () => {
  slack.options = { limit: slackTiers() }
  const { refused, unanswered, outOfOrder } = await rush(slack, {
    mentions: 40,
    channels: 10,
    overMs: 800,
    settleMs: 40_000,
  })
  expect({ refused, unanswered, outOfOrder }).toEqual({ refused: 0, unanswered: 0, outOfOrder: 0 })
})

it('after a crash in mid-stream, Parley continues in the same message', async () => {
  answers.set('survive', { tokens: words(70), everyMs: 40 })
  const { ts } = await mention('Will you survive?')
  const open = await slack.until(
    () => slack.replies(general, ts).find((each) => each.text.includes('word5 ')),
    'some text',
  )
  await parley.kill('SIGKILL')
  await start()
  const answer = await reply(general, ts)
  expect(answer.ts).toBe(open.ts)
  expect(shown(answer).trim().split(/\s+/)).toEqual(words(70).map((word) => word.trim()))
  expect(slack.replies(general, ts)).toHaveLength(1)
})

describe('what people see of an answer', () => {
  it('two files of one name are told apart: each number leads to its own', async () => {
    answers.set('compare', { tokens: ['One says Monday [1:l1], ', 'the other Tuesday [2:l1].'] })
    const [first, second] = [markdown('notes.md', 'It is on Monday.'), markdown('notes.md', 'It is on Tuesday.')]
    const { ts } = await mention('Please compare.', [first, second])
    const link = ({ id }: StandInFile) => `https://acme.slack.com/files/${id}/notes.md`
    expect(shown(await reply(general, ts))).toBe(
      `One says Monday [[1]](${link(first)}), the other Tuesday [[2]](${link(second)}).`,
    )
  })

  it('a wide table is a table', async () => {
    const row = (cell: string) => `| ${[1, 2, 3, 4, 5, 6].map((n) => `${cell} number ${n}`).join(' | ')} |`
    const table = [row('Heading'), `|${'--|'.repeat(6)}`, row('first'), row('second'), row('third')].join('\n')
    answers.set('tabulate', { tokens: table.match(/.{1,20}/gs) ?? [], everyMs: 5 })
    const { ts } = await mention('Please tabulate.')
    const answer = await reply(general, ts)
    expect(shown(answer)).toBe(table)
    expect(answer.edits).toBe(0)
  })

  it('the end of an answer whose blocks Slack refuses is its text, and nothing goes on for ever', async () => {
    slack.options.refuses = (method, { blocks }) =>
      /stopStream|chat\.update/.test(method) && Array.isArray(blocks) ? 'invalid_blocks' : undefined
    const { ts } = await mention('Say it anyway.')
    const answer = await slack.until(
      () => slack.replies(general, ts).find(({ streaming_state }) => streaming_state === 'completed'),
      'the end',
    )
    expect(shown(answer).trim()).toBe('Here you are.')
    await slack.until(() => slack.state.sessions.get(`${general}/${ts}`) === 'active', 'the session rests')
    await slack.until(() => !slack.state.statuses.has(`${general}/${ts}`), 'the status goes')
  })

  it.each(['is_archived', 'restricted_action_read_only_channel'])(
    'where Parley may not write (%s), the asker gets the answer and the reason in a direct message',
    async (code) => {
      const closed = `C0${code.slice(0, 8).toUpperCase()}`
      slack.state.closed.set(closed, code)
      const { ts } = await slack.say({ channel: closed, text: `<@${bot.user}> hello`, mention: true })
      const why = code === 'is_archived' ? slackWording.errors.archived : slackWording.errors.readOnly
      const told = await slack.until(
        () => slack.replies(direct).find((each) => shown(each).includes(why)),
        'the direct message',
      )
      expect(shown(told)).toBe(undeliveredWording.withAnswer(undeliveredWording.toAsker(why), 'Here you are.'))
      expect(slack.replies(closed)).toEqual([])
      expect(slack.state.sessions.get(`${closed}/${ts}`)).not.toBe('processing')
    },
  )
})

function never(): never {
  throw new Error('there is no message')
}
