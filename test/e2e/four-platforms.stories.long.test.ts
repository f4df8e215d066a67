/**
 * The same stories on Slack, Discord and Teams, told once: a long thread of others, a question that is deleted, talk between
 * people, an answer that cannot be posted, a wide table. The page has no threads of others, and nobody else writes there.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { questionTextOf } from '../servers/openai-wire.ts'
import { erase } from '../servers/slack-context.ts'
import { addPeople, finished } from '../servers/slack-rig.ts'
import { bot, shown } from '../servers/slack-state.ts'
import { createPeople, type People, channel as teamsChannel, thread } from '../servers/teams-people.ts'
import { isFinished, isReply, until } from '../servers/teams-state.ts'
import { type AllChats, startAllChats } from './all-chats.ts'

/** A question in a thread. */
interface Asked {
  /** All that Parley shows for it now. */
  shown(): string[]
  /** What Parley called of the platform for its thread. */
  calls(): string[]
  /** How many answers in its thread are finished. */
  finished(): number
  /** The last finished answer in its thread. */
  answer(): Promise<string>
  erase(): Promise<void>
  /** Says something in the thread without calling Parley; `to` mentions Bob. */
  say(text: string, to?: 'Bob'): Promise<void>
  /** Calls Parley in the thread. */
  again(text: string): Promise<string>
}

interface Chat {
  /** Alice calls Parley in a channel. */
  ask(text: string): Promise<Asked>
  /** Alice calls Parley in a thread that Bob began with a file, below 180 of his messages. */
  askInThread(text: string, file: { name: string; text: string }, said: string[]): Promise<Asked>
  /** Alice calls Parley where it may not write. What she is told alone, or the text that stands in place of an answer. */
  askWhereClosed(text: string): Promise<string>
  /** The same where the place is closed once the first words of the answer are shown. */
  askAndClose(text: string): Promise<string>
}

const columns = 6
const rows = 20
const row = (name: string) => `| ${Array.from({ length: columns }, (_, n) => `${name} value ${n}`).join(' | ')} |`
const table = [row('Heading'), `|${' --- |'.repeat(columns)}`, ...Array.from({ length: rows }, (_, n) => row(`r${n}`))]
const said = Array.from({ length: 180 }, (_, n) => (n === 178 ? 'We go back to build 4711.' : `Thought ${n + 1}.`))

/** As docs/slack.md, docs/discord.md and docs/teams.md say: of an answer in a channel that is written at once. */
const callsOfAnAnswer: Record<string, string[]> = {
  Slack: [
    'agents.sessions.setStatus',
    'assistant.threads.setStatus',
    'chat.startStream',
    'chat.stopStream',
    'assistant.threads.setStatus',
  ],
  Discord: [
    'POST /channels/…/messages/…/threads',
    'POST /channels/…/typing',
    'POST /channels/…/messages',
    'PATCH /channels/…/messages/…',
  ],
  // A sign of typing, the message, its end.
  Teams: ['POST', 'POST', 'PUT'],
}

let all: AllChats
let slack: AllChats['slack']
let discord: AllChats['discord']
let teams: AllChats['teams']
let model: AllChats['model']
const chats: Record<string, Chat> = {}

beforeAll(async () => {
  all = await startAllChats(({ body }) => {
    const given = JSON.stringify(body)
    const asked = questionTextOf(body)
    if (asked.includes('for a while')) return { tokens: Array.from({ length: 80 }, (_, n) => `word${n} `), everyMs: 40 }
    if (asked.includes('slowly')) return { tokens: Array.from({ length: 400 }, (_, n) => `word${n} `), everyMs: 40 }
    if (asked.includes('tabulate')) return { tokens: ['Here:\n\n', ...table.map((line) => `${line}\n`)] }
    if (!asked.includes('decide')) return { tokens: ['Of course.'] }
    const label = [...given.slice(0, given.indexOf('The cable is red')).matchAll(/\d+:l\d+/g)].at(-1)?.[0]
    const known = given.includes('build 4711') && given.includes('Bob: ') && label !== undefined
    return { tokens: [known ? `Build 4711, and the cable is red [${label}].` : 'I do not know.'] }
  })
  ;({ slack, discord, teams, model } = all)
  Object.assign(chats, { Slack: slackChat(), Discord: discordChat(), Teams: teamsChat() })
}, 90_000)
afterAll(() => all?.[Symbol.asyncDispose]())

describe.each(['Slack', 'Discord', 'Teams'])('on %s', { timeout: 120_000 }, (name) => {
  const chat = () => {
    const found = chats[name]
    if (found === undefined) throw new Error(`no chat on ${name}`)
    return found
  }

  // First: what comes later takes so many calls that a platform's limits change how a status is shown.
  it('a short answer takes as many calls as the docs say', async () => {
    const asked = await chat().ask('Can you help?')
    await asked.answer()
    await expect.poll(() => asked.calls().toSorted(), { timeout: 20_000 }).toEqual(callsOfAnAnswer[name]?.toSorted())
  })

  it('called into a thread of 180 replies, Parley knows the newest ones, who said them, and the file at its root', async () => {
    const asked = await chat().askInThread('What did we decide?', { name: 'spec.md', text: 'The cable is red.' }, said)
    expect(await asked.answer()).toMatch(/Build 4711, and the cable is red .*1/)
  })

  it('a question that is deleted in mid-answer is taken back, and its words are gone', async () => {
    const asked = await chat().ask('Count slowly, my secret word is walrus.')
    await expect.poll(() => asked.shown().join(' '), { timeout: 20_000 }).toContain('word3')
    await asked.erase()
    await expect.poll(asked.shown, { timeout: 20_000 }).toEqual([])
    await asked.again('Are you there?')
    const given = JSON.stringify(model.requests.at(-1)?.body)
    expect(given).toContain('Are you there?')
    expect(given).not.toContain('walrus')
  })

  it('thanks, emoji and talk between people are left alone; a follow-up is answered', async () => {
    const asked = await chat().ask('Can you help?')
    expect(await asked.answer()).toContain('Of course.')
    const before = model.requests.length
    await asked.say('Thanks!')
    await asked.say('👍')
    await asked.say('shall we have lunch?', 'Bob')
    await asked.say('And tomorrow?')
    await expect.poll(() => model.requests.length, { timeout: 20_000 }).toBe(before + 1)
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain('And tomorrow?')
    expect(JSON.stringify(model.requests.at(-1)?.body)).not.toContain('lunch')
  })

  it('called again, Parley knows what people said to each other between follow-ups, and nothing twice', async () => {
    const asked = await chat().ask('Can you help?')
    expect(await asked.answer()).toContain('Of course.')
    const answered = async (words: string, say: () => Promise<unknown>) => {
      const before = asked.finished()
      await say()
      await expect.poll(asked.finished, { timeout: 20_000 }).toBe(before + 1)
      return JSON.stringify(model.requests.findLast(({ body }) => questionTextOf(body).includes(words))?.body)
    }
    await answered('And tomorrow?', () => asked.say('And tomorrow?'))
    await asked.say('the code word is heron', 'Bob')
    expect(await answered('And on Sunday?', () => asked.say('And on Sunday?'))).not.toContain('heron')
    const given = await answered('What is the code word?', () => asked.again('What is the code word?'))
    expect(given.split('the code word is heron')).toHaveLength(2)
    for (const words of ['Can you help?', 'And tomorrow?', 'And on Sunday?']) expect(given.split(words)).toHaveLength(2)
  })

  it('where Parley may not write, the asker hears why', async () => {
    expect(await chat().askWhereClosed('Can you help?')).toMatch(/^Your answer could not be posted\. \S.*[.!]/)
  })

  it('where the place is closed in mid-answer, the asker hears why', async () => {
    expect(await chat().askAndClose('Count for a while.')).toMatch(/^Your answer could not be posted\. \S.*[.!]/)
  })

  it('a wide table arrives whole', async () => {
    const asked = await chat().ask('Please tabulate it.')
    await asked.answer()
    const text = asked.shown().join('\n')
    for (const cell of ['Heading value 0', `r${rows - 1} value ${columns - 1}`])
      for (const word of cell.split(' ')) expect(text).toContain(word)
  })
})

function slackChat(): Chat {
  addPeople(slack)
  slack.state.users.set('U0BOB00001', { id: 'U0BOB00001', name: 'Bob', team: 'T0PARLEY01', more: {} })
  const channel = 'C0GENERAL1'
  const call = async (at: string, text: string, root?: string): Promise<Asked> => {
    const { ts } = await slack.say({ channel: at, text: `<@${bot.user}> ${text}`, mention: true, thread: root })
    const under = root ?? ts
    const texts = () => slack.replies(at, under).map((message) => shown(message))
    const done = () => slack.replies(at, under).filter(finished)
    return {
      shown: texts,
      calls() {
        const own = new Set([under, ...slack.replies(at, under).map((reply) => reply.ts)])
        return slack.calls.flatMap(({ method, args }) =>
          own.has(String(args.thread_ts ?? args.ts ?? args.timestamp)) ? [method] : [],
        )
      },
      finished: () => done().length,
      answer: async () => shown(await slack.until(() => done().at(-1), 'the answer on Slack')),
      erase: async () => void (await erase(slack, at, ts)),
      say: async (words, to) =>
        void (await slack.say({ channel: at, thread: under, text: to ? `<@U0BOB00001> ${words}` : words })),
      async again(words) {
        const count = done().length
        await slack.say({ channel: at, thread: under, text: `<@${bot.user}> ${words}`, mention: true })
        return shown(await slack.until(() => done()[count], 'the next answer on Slack'))
      },
    }
  }
  return {
    ask: (text) => call(channel, text),
    async askInThread(text, file, messages) {
      const shared = slack.addFile({ name: file.name, mimetype: 'text/markdown', content: Buffer.from(file.text) })
      const { ts } = await slack.say({ channel, user: 'U0BOB00001', text: 'The release is broken.', files: [shared] })
      const rest = { user: 'U0BOB00001', blocks: [], tasks: new Map(), files: [], edits: 0 }
      for (const each of messages)
        slack.state.messages.push({ channel, ts: slack.state.nextTs(), thread_ts: ts, text: each, ...rest })
      return await call(channel, text, ts)
    },
    async askWhereClosed(text) {
      slack.state.closed.set('C0CLOSED01', 'is_archived')
      await slack.say({ channel: 'C0CLOSED01', text: `<@${bot.user}> ${text}`, mention: true })
      const told = () => slack.state.messages.find((message) => shown(message).includes('could not be posted'))
      return shown(await slack.until(told, 'what the asker is told on Slack'))
    },
    async askAndClose(text) {
      const at = 'C0CLOSING1'
      const asked = await call(at, text)
      await slack.until(() => asked.shown().some((each) => each.includes('word3')), 'the first words on Slack')
      slack.state.closed.set(at, 'is_archived')
      slack.options.refuses = (method, { channel: where }) =>
        where === at && /^chat\.(?:update|appendStream|stopStream)$/.test(method) ? 'is_archived' : undefined
      const told = () =>
        slack.state.messages.findLast(
          (message) => message.channel !== at && shown(message).includes('could not be posted'),
        )
      const before = told()
      return shown(
        await slack.until(() => (told() === before ? undefined : told()), 'what the asker is told on Slack', 60_000),
      )
    },
  }
}

function discordChat(): Chat {
  const [alice, bob] = [discord.world.addUser('Alice'), discord.world.addUser('Bob')]
  const guild = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  const general = discord.world.addChannel(guild, 'general')
  type Channel = typeof general
  const ended = (id: string) =>
    discord.said(id).filter(({ components }) => /"more:|"regenerate:/.test(JSON.stringify(components ?? [])))
  const textsIn = (id: string) => discord.said(id).map(({ content }) => content)
  function asked(message: { id: string }, where: Channel, under: () => Channel): Asked {
    const inThread = (words: string, mention: boolean) =>
      discord.write({ author: alice, channel: under(), text: words, mention })
    return {
      shown: () => textsIn(under().id),
      calls: () =>
        discord.requests.flatMap(({ method, path }) =>
          path.includes(message.id) ? [`${method} ${path.replaceAll(/\d{15,}/g, '…')}`] : [],
        ),
      finished: () => ended(under().id).length,
      answer: async () => (await discord.until(() => ended(under().id).at(-1), 'the answer on Discord')).content,
      erase: async () => discord.delete(message as Parameters<typeof discord.delete>[0]),
      say: async (words, to) => void inThread(to ? `<@${bob.id}> ${words}` : words, false),
      async again(words) {
        const place = discord.world.channels.get(under().id) ?? where
        const next = discord.write({ author: alice, channel: place, text: words, mention: true })
        const at = place === where ? next.id : place.id
        return (await discord.until(() => ended(at).at(-1), 'the next answer on Discord')).content
      },
    }
  }
  return {
    async ask(text) {
      const message = discord.write({ author: alice, channel: general, text, mention: true })
      return asked(message, general, () => discord.world.channels.get(message.id) ?? { ...general, id: message.id })
    },
    async askInThread(text, file, messages) {
      const root = discord.write({
        author: bob,
        channel: general,
        text: 'The release is broken.',
        files: [{ name: file.name, data: Buffer.from(file.text) }],
      })
      const place = discord.world.addChannel(guild, 'release', { id: root.id, type: 11, parentId: general.id })
      discord.gateway.dispatch('THREAD_CREATE', discord.world.channelJson(place), guild.id)
      for (const each of messages) discord.write({ author: bob, channel: place, text: each })
      return asked(discord.write({ author: alice, channel: place, text, mention: true }), general, () => place)
    },
    async askWhereClosed(text) {
      const deny = String((1n << 11n) | (1n << 38n) | (1n << 35n))
      const closed = discord.world.addChannel(guild, 'closed', {
        overwrites: [{ id: guild.id, type: 0, allow: '0', deny }],
      })
      discord.gateway.dispatch('CHANNEL_CREATE', discord.world.channelJson(closed), guild.id)
      discord.write({ author: alice, channel: closed, text, mention: true })
      const direct = discord.world.directChat(alice.id).id
      const told = () => discord.said(direct).find(({ content }) => content.includes('could not be posted'))
      return (await discord.until(told, 'what the asker is told on Discord')).content
    },
    async askAndClose(text) {
      const message = discord.write({ author: alice, channel: general, text, mention: true })
      await discord.until(
        () => textsIn(message.id).some((each) => each.includes('word3')),
        'the first words on Discord',
      )
      const direct = discord.world.directChat(alice.id).id
      const before = discord.said(direct).length
      Object.assign(discord.world.channels.get(message.id) ?? {}, { archived: true, locked: true })
      const told = () =>
        discord
          .said(direct)
          .slice(before)
          .find(({ content }) => content.includes('could not be posted'))
      return (await discord.until(told, 'what the asker is told on Discord', 60_000)).content
    },
  }
}

function teamsChat(): Chat {
  const people: People = createPeople(teams)
  const bob = { id: '29:1bob-of-the-directory', name: 'Bob', aadObjectId: 'bbbbbbbb-0000-4000-8000-000000000002' }
  teams.people.set(bob.id, bob)
  const replies = (conversation: string) => teams.state.messages(conversation).filter(isReply)
  const textOf = (conversation: string) => replies(conversation).map(({ activity }) => JSON.stringify(activity))
  async function call(root: string, text: string): Promise<Asked & { conversation: string }> {
    const place = thread(root)
    const { conversation } = place
    const id = teams.said.isKnown(conversation) ? teams.state.nextId() : root
    const said = teams.said.say(conversation, { id, from: 'Alice', html: text })
    await people.say(place, text, { id })
    const last = () => replies(conversation).filter(isFinished)
    return {
      conversation,
      shown: () => textOf(conversation),
      calls: () => [
        ...teams.state.calls.flatMap((each) => (each.conversation === conversation ? [each.method] : [])),
        ...teams.said.asked.filter((path) => path.includes(root)),
      ],
      finished: () => last().length,
      answer: async () => (await until(() => last().at(-1), 'the answer in Teams', 60_000)).activity.text ?? '',
      async erase() {
        said.deletedDateTime = new Date().toISOString()
        const about = people.about(place) as { channelData: object }
        const channelData = { ...about.channelData, eventType: 'softDeleteMessage' }
        await teams.deliver({ ...about, type: 'messageDelete', id, channelData })
      },
      async say(words, to) {
        const message = people.message(place, words, { quiet: true })
        teams.said.say(conversation, { id: message.id, from: 'Alice', html: to ? `${to} ${words}` : words })
        const mention = { type: 'mention', mentioned: { id: bob.id, name: bob.name }, text: '<at>Bob</at>' }
        await teams.deliver(to ? { ...message, text: `<at>Bob</at> ${words}`, entities: [mention] } : message)
      },
      async again(words) {
        const count = last().length
        await people.say(place, words)
        return (await until(() => last()[count], 'the next answer in Teams', 60_000)).activity.text ?? ''
      },
    }
  }
  return {
    ask: (text) => call(teams.state.nextId(), text),
    async askInThread(text, file, messages) {
      const root = teams.state.nextId()
      const { conversation } = thread(root)
      const shared = people.addFile(file.name, Buffer.from(file.text))
      const contentUrl = `https://contoso.sharepoint.com/sites/team/${shared.id}/${file.name}`
      const attachments = [{ id: 'f', contentType: 'reference', contentUrl, name: file.name }]
      const html = '<p>The release is broken.</p><attachment id="f"></attachment>'
      teams.said.say(conversation, { id: root, html, more: { attachments } })
      for (const each of messages) teams.said.say(conversation, { html: `<p>${each}</p>` })
      Object.assign(teams.consent, { files: true, messages: true })
      return await call(root, text)
    },
    async askWhereClosed(text) {
      const { conversation } = thread(teams.state.nextId())
      teams.state.refusing.set(conversation, { status: 403, code: 'BotNotInConversationRoster', message: 'removed' })
      await people.say({ conversation }, text)
      const told = () => {
        const everywhere = [`a:1direct-${'29:1alice-of-the-directory'.slice(3)}`, teamsChannel, conversation]
        return everywhere
          .flatMap((each) => teams.state.messages(each))
          .find(({ activity }) => activity.text?.includes('could not be posted'))
      }
      return (await until(told, 'what the asker is told in Teams', 60_000)).activity.text ?? ''
    },
    async askAndClose(text) {
      const asked = await call(teams.state.nextId(), text)
      const { conversation } = asked
      await until(() => asked.shown().some((each) => each.includes('word3')), 'the first words in Teams', 60_000)
      const direct = `a:1direct-${'29:1alice-of-the-directory'.slice(3)}`
      const before = teams.state.messages(direct).length
      teams.state.refusing.set(conversation, { status: 403, code: 'BotNotInConversationRoster', message: 'removed' })
      const told = () =>
        teams.state
          .messages(direct)
          .slice(before)
          .find(({ activity }) => activity.text?.includes('could not be posted'))
      return (await until(told, 'what the asker is told in Teams', 60_000)).activity.text ?? ''
    },
  }
}
