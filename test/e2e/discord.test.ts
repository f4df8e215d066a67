/** What people do on Discord, from end to end: a real Parley, discord.js as it is, a stand-in of Discord's servers. */
import { PermissionFlagsBits as may } from 'discord.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { undeliveredWording } from '../../src/wording/answers.ts'
import { permissionWording } from '../../src/wording/commands.ts'
import { discordPermissionWording } from '../../src/wording/discord.ts'
import { makePdf } from '../fixtures/make-pdf.ts'
import { lacking } from '../fixtures/speech.ts'
import { sayTones } from '../fixtures/tone-speech.ts'
import { hasEnded, type StandInDiscord, startDiscord } from '../servers/discord.ts'
import { discordSpecMissing } from '../servers/discord-spec.ts'
import type { WorldChannel } from '../servers/discord-world.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { startTranscriber, type TranscriberServer } from '../servers/transcriber.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

let discord: StandInDiscord
let model: ScriptedOpenAi
let transcribes: TranscriberServer
let home: string
let parley: ParleyProcess
let env: Record<string, string>

const gate = 'The north gate opens with code QX-4471.'
const without = lacking('ffmpeg')

beforeAll(async () => {
  discord = await startDiscord()
  model = await startScriptedOpenAi({
    script: ({ body }) => {
      const asked = questionTextOf(body)
      if (asked.includes('Count slowly'))
        return { tokens: Array.from({ length: 400 }, (_, n) => `word${n} `), everyMs: 40 }
      if (asked.includes('for a while')) return { tokens: ['It ', 'took ', 'a while.'], everyMs: 1200 }
      if (asked.includes('at length')) return { tokens: Array.from({ length: 900 }, (_, n) => `Sentence ${n} of it. `) }
      if (asked.includes('Heron')) {
        const shared = /source=\\?"([\d:p]+)\\?"(?:(?!<\/passage>).)*(HERON-\d+)/.exec(JSON.stringify(body))
        return { tokens: [shared ? `Its name is ${shared[2]} [${shared[1]}].` : 'I know nothing of it.'] }
      }
      const code = /QX-\d+/.exec(JSON.stringify(body))?.[0]
      return { tokens: code ? ['The code is ', `${code} [1:p1].`] : ['You asked: ', asked.slice(-200)] }
    },
    models: [{ id: 'small-model' }, { id: 'large-model' }],
  })
  transcribes = await startTranscriber({
    transcribe: async () => ({
      segments: [{ text: 'Where is the key?', start: 0, end: 1 }],
      language: 'en',
      duration: 1.5,
    }),
  })
  home = await temporaryHome()
  env = {
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: discord.url,
    OPENAI_BASE_URL: model.url,
    TRANSCRIBE_URL: transcribes.url,
    LOG_LEVEL: 'debug',
  }
  olga = discord.world.addUser('Olga')
  ann = discord.world.addUser('Ann')
  bob = discord.world.addUser('Bob')
  guild = discord.world.addGuild('Team', olga)
  for (const { id } of [ann, bob]) guild.members.set(id, [])
  general = discord.world.addChannel(guild, 'general')
  parley = await startParley(home, env)
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await transcribes?.close()
  await model?.close()
  await discord?.[Symbol.asyncDispose]()
  if (home) await removeHome(home)
})
afterEach(() => {
  expect(discord.violations).toEqual([])
  expect(discord.refused).toEqual([])
})

type User = ReturnType<StandInDiscord['world']['addUser']>
let olga: User
let ann: User
let bob: User
let guild: ReturnType<StandInDiscord['world']['addGuild']>
let general: WorldChannel

const ask = (user: User, channel: WorldChannel, options: object[], attachments: Record<string, object> = {}) =>
  discord.use({ user, channel, type: 2, data: { type: 1, name: 'ask', options, resolved: { attachments } } })
const text = (value: string) => ({ type: 3, name: 'text', value })
const replyIn = (channelId: string, after = 0) =>
  discord.until(() => discord.said(channelId).slice(after).findLast(hasEnded), `a finished reply in ${channelId}`)

it(`requests are held against Discord's own document${discordSpecMissing ? ` (skipped: ${discordSpecMissing})` : ''}`, ({
  skip,
}) => {
  skip(discordSpecMissing !== undefined, discordSpecMissing)
  expect(discord.violations).toEqual([])
})

it('/ask with a PDF is acknowledged and answered from the file with citations', async () => {
  const pdf = discord.attach(
    general,
    'manual.pdf',
    await makePdf((doc) => void doc.addPage().text(gate)),
    'application/pdf',
  )
  const use = ask(ann, general, [text('Which code opens the north gate?'), { type: 11, name: 'file', value: pdf.id }], {
    [pdf.id]: pdf,
  })
  const acknowledged = await discord.until(() => use.acknowledged, 'an acknowledgement')
  expect(acknowledged.type).toBe(5)
  const reply = await discord.until(() => (use.original && hasEnded(use.original) ? use.original : null), 'the reply')
  expect(reply.content).toContain('QX-4471')
  expect(reply.content).toMatch(/-# .*manual\.pdf.*p\. 1/)
})

it('a private question gets an answer that only the asker sees', async () => {
  const use = ask(ann, general, [text('Between us: what is this?'), { type: 5, name: 'private', value: true }])
  const reply = await discord.until(() => (use.original && hasEnded(use.original) ? use.original : null), 'the reply')
  expect(reply.visibleTo).toBe(ann.id)
  expect(discord.said(general.id)).not.toContain(reply)
})

it('/ask without text opens a form for a long question, which is then answered', async () => {
  const use = ask(ann, general, [])
  const { type, data } = await discord.until(() => use.acknowledged, 'a form')
  expect(type).toBe(9)
  const words = `The long question. ${'More of it. '.repeat(250)}`
  const fields = [{ type: 18, component: { type: 4, custom_id: 'text', value: words } }]
  const sent = discord.use({
    user: ann,
    channel: general,
    type: 5,
    data: { custom_id: data?.custom_id, components: fields },
  })
  const reply = await discord.until(
    () => (sent.original && hasEnded(sent.original) ? sent.original : null),
    'the reply',
  )
  expect(reply.content).toContain('More of it.')
})

describe('a mention in a channel', () => {
  let thread: WorldChannel

  it('is answered once in a new thread, even if the event comes twice', async () => {
    const message = discord.write({ author: ann, channel: general, text: 'What is a heat pump?', mention: true })
    discord.write({ author: ann, channel: general, text: 'What is a heat pump?', mention: true, id: message.id })
    const reply = await replyIn(message.id)
    thread = discord.world.channels.get(message.id) ?? general
    expect(thread).toMatchObject({ parentId: general.id, name: 'What is a heat pump?' })
    expect(reply.content).toContain('You asked: What is a heat pump?')
    expect(discord.said(thread.id)).toHaveLength(1)
    expect(discord.said(general.id).filter(({ content }) => content.includes('heat pump'))).toEqual([])
    // Parley types in the thread until there is something to read, and not after.
    const typed = discord.state.typing.filter(({ channelId }) => channelId === thread.id)
    expect(typed.length).toBeLessThanOrEqual(1)
    for (const { at } of typed) expect(at).toBeLessThanOrEqual(reply.times[0] ?? 0)
  })

  it('can be followed up in the thread without a mention, with the earlier messages as context', async () => {
    const before = discord.said(thread.id).length
    discord.write({ author: ann, channel: thread, text: 'And how loud is it?' })
    const reply = await replyIn(thread.id, before)
    expect(reply.content).toContain('And how loud is it?')
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain('What is a heat pump?')
  })

  it('ignores people who talk to each other there, and other bots', async () => {
    const asked = model.requests.length
    const robot = discord.world.addUser('Robot', true)
    discord.write({ author: ann, channel: thread, text: 'what do you think?', more: { mentions: [olga] } })
    discord.write({ author: robot, channel: thread, text: 'I am a bot.', mention: true })
    const before = discord.said(thread.id).length
    discord.write({ author: ann, channel: thread, text: 'This one is for Parley.' })
    await replyIn(thread.id, before)
    expect(model.requests.length).toBe(asked + 1)
  })
})

it.skipIf(without)(`a voice message in a direct chat is heard and answered${without}`, async () => {
  const chat = discord.world.directChat(ann.id)
  const files = [{ name: 'voice-message.wav', data: sayTones([3]), type: 'audio/wav', durationSecs: 1.5 }]
  discord.write({ author: ann, channel: chat, files })
  const reply = await replyIn(chat.id)
  expect(reply.content).toContain('*Heard:* Where is the key?')
})

it('models are suggested while someone types', async () => {
  const options = [{ type: 3, name: 'model', value: 'lar', focused: true }]
  const use = discord.use({ user: ann, channel: general, type: 4, data: { type: 1, name: 'ask', options } })
  const { type, data } = await discord.until(() => use.acknowledged, 'suggestions')
  expect(type).toBe(8)
  expect(JSON.stringify(data)).toContain('large-model')
})

it('the Stop button stops an answer', async () => {
  const message = discord.write({ author: ann, channel: general, text: 'Count slowly, please', mention: true })
  const growing = await discord.until(
    () => discord.said(message.id).find(({ content }) => content.includes('word2')),
    'text',
  )
  const id = /"custom_id":"(stop:[^"]+)"/.exec(JSON.stringify(growing.components))?.[1]
  const thread = discord.world.channels.get(message.id) ?? general
  discord.use({ user: ann, channel: thread, type: 3, message: growing, data: { component_type: 2, custom_id: id } })
  const reply = await replyIn(message.id)
  expect(reply.content).toContain('Stopped before the end.')
  expect(reply.content).not.toContain('word399')
})

it('an answer that outlives its token continues in the same message', async () => {
  const use = ask(ann, general, [text('Tell me for a while')])
  await discord.until(() => use.original?.content.includes('It'), 'the first words')
  discord.world.clock.ahead += 16 * 60_000
  const reply = await discord.until(() => (use.original && hasEnded(use.original) ? use.original : null), 'the reply')
  expect(reply.content).toContain('It took a while.')
  expect(discord.requests.some(({ path, status }) => path.startsWith('/webhooks/') && status === 401)).toBe(true)
  expect(
    discord.requests.some(
      ({ method, path }) => method === 'PATCH' && path === `/channels/${general.id}/messages/${reply.id}`,
    ),
  ).toBe(true)
})

it('a long answer comes as its beginning plus a file with the full text', async () => {
  const chat = discord.world.directChat(olga.id)
  discord.write({ author: olga, channel: chat, text: 'Tell it at length' })
  await discord.until(() => discord.said(chat.id).some(hasEnded), 'the reply')
  const messages = discord.said(chat.id)
  expect(messages.filter(({ attachments }) => attachments.length > 0)).toHaveLength(1)
  for (const { content } of messages) expect(content.length).toBeLessThanOrEqual(2000)
})

describe('a file that was shared last week in a private channel', () => {
  const hidden = () => ({ id: guild.id, type: 0 as const, allow: '0', deny: String(may.ViewChannel) })
  const shown = (id: string, type: 0 | 1) => ({ id, type, allow: String(may.ViewChannel), deny: '0' })
  const forParley = () => [hidden(), shown(guild.roles[1]?.id ?? '', 0)]
  let leads: WorldChannel
  let link: string

  async function askAlone(user: User): Promise<string> {
    const chat = discord.world.directChat(user.id)
    const before = discord.said(chat.id).length
    discord.write({ author: user, channel: chat, text: 'What is the name of the Heron release?' })
    return (await replyIn(chat.id, before)).content
  }
  async function askIn(channel: WorldChannel): Promise<string> {
    const text = 'What is the name of the Heron release?'
    return (await replyIn(discord.write({ author: ann, channel, text, mention: true }).id)).content
  }

  beforeAll(async () => {
    leads = discord.world.addChannel(guild, 'leads', { overwrites: [...forParley(), shown(ann.id, 1)] })
    discord.gateway.dispatch('CHANNEL_CREATE', discord.world.channelJson(leads), guild.id)
    const data = await makePdf((doc) => void doc.addPage().text('The name of the Heron release is HERON-77.'))
    const message = discord.write({
      author: ann,
      channel: leads,
      text: 'Keep this about Heron',
      mention: true,
      files: [{ name: 'release.pdf', data, type: 'application/pdf' }],
      more: { timestamp: new Date(Date.now() - 7 * 86_400_000).toISOString() },
    })
    link = `https://discord.com/channels/${guild.id}/${leads.id}/${message.id}`
    await replyIn(message.id)
  })

  it('is found in a direct chat by somebody who can see it, with a link to its message, and by nobody else', async () => {
    const answer = await askAlone(ann)
    expect(answer).toContain('HERON-77')
    expect(answer).toContain('release.pdf')
    expect(answer).toContain(link)
    expect(await askAlone(bob)).not.toMatch(/HERON-77|release\.pdf/)
  })

  it('is found in a channel of the same readers, and not in one that others read', async () => {
    const plans = discord.world.addChannel(guild, 'plans', { overwrites: [...forParley(), shown(ann.id, 1)] })
    discord.gateway.dispatch('CHANNEL_CREATE', discord.world.channelJson(plans), guild.id)
    expect(await askIn(plans)).toContain('HERON-77')
    expect(await askIn(general)).not.toMatch(/HERON-77|release\.pdf/)
  })

  it('is not found once an overwrite takes the view away', async () => {
    discord.allow(leads, forParley())
    expect(await askAlone(ann)).not.toMatch(/HERON-77|release\.pdf/)
  })
})

it('Parley names a missing permission to the person who can grant it', async () => {
  const closed = discord.world.addChannel(guild, 'announcements', {
    overwrites: [
      { id: guild.id, type: 0, allow: '0', deny: String(1n << 11n) },
      { id: guild.roles[1]?.id ?? '', type: 0, allow: '0', deny: String((1n << 11n) | (1n << 35n)) },
    ],
  })
  discord.gateway.dispatch('CHANNEL_CREATE', discord.world.channelJson(closed), guild.id)
  discord.write({ author: ann, channel: closed, text: 'Are you there?', mention: true })
  const told = (person: User) => () =>
    discord.said(discord.world.directChat(person.id).id).find(({ content }) => content.includes('#announcements'))
  const toOwner = await discord.until(told(olga), 'a word to the owner')
  const where = discordPermissionWording.where('announcements', 'Team')
  const missing = discordPermissionWording.missing(['Send Messages'])
  expect(toOwner.content).toBe(discordPermissionWording.toOwner(where, missing))
  const toAsker = await discord.until(told(ann), 'a word to the one who asked')
  const why = undeliveredWording.toAsker(discordPermissionWording.failed(where, missing))
  expect(toAsker.content).toBe(undeliveredWording.withAnswer(why, 'You asked: Are you there?'))
})

it('`parley discord register` registers all commands and sub-commands', async () => {
  const { stdout } = await run(['src/cli.ts', 'discord', 'register'], environment(home, env))
  expect(stdout).toContain('Registered: ask, parley, Ask about this message, Transcribe')
  const parley = discord.state.commands.get('global')?.find(({ name }) => name === 'parley')
  expect(JSON.stringify(parley)).toContain('"name":"models"')
})

it('a command runs, with its answer for everyone or for one person', async () => {
  const list = { type: 2, name: 'models', options: [{ type: 1, name: 'list', options: [] }] }
  const use = discord.use({ user: ann, channel: general, type: 2, data: { type: 1, name: 'parley', options: [list] } })
  const { type, data } = await discord.until(() => use.acknowledged, 'an answer')
  expect(type).toBe(4)
  expect(data?.content).toContain('large-model')
  const disable = { type: 1, name: 'disable', options: [{ type: 3, name: 'model', value: 'large-model' }] }
  const options = [{ type: 2, name: 'models', options: [disable] }]
  const refused = discord.use({ user: ann, channel: general, type: 2, data: { type: 1, name: 'parley', options } })
  const answer = await discord.until(() => refused.acknowledged, 'an answer')
  expect(answer.data?.content).toContain(permissionWording.command('models disable', 'manager'))
  expect(refused.ephemeral).toBe(true)
})

it('the log contains no tokens and no messages', () => {
  const log = parley.log()
  expect(log.length).toBeGreaterThan(100)
  expect(log).not.toContain(discord.token)
  expect(log).not.toContain('aW50ZXJhY3Rpb24')
  expect(log).not.toContain('heat pump')
})

it('a forum post that mentions Parley is answered with its title in the question', async () => {
  const forum = discord.world.addChannel(guild, 'help', { type: 15 })
  const id = discord.world.snowflake()
  const post = discord.world.addChannel(guild, 'Router WX-9 loses its settings', { id, type: 11, parentId: forum.id })
  discord.gateway.dispatch('THREAD_CREATE', discord.world.channelJson(post), guild.id)
  discord.write({ author: ann, channel: post, id, text: 'any idea why?', mention: true })
  expect((await replyIn(post.id)).content).toMatch(/WX-9[\s\S]*any idea why/)
})

it('a question that its author deletes while it is answered is taken back, and nothing of it is said again', async () => {
  const message = discord.write({ author: ann, channel: general, text: 'Count slowly, QX-secret', mention: true })
  await discord.until(() => discord.said(message.id)[0]?.content.includes('word3'), 'the beginning of an answer')
  discord.delete(message)
  await discord.until(() => discord.said(message.id).length === 0, 'the answer to be removed')
  expect(discord.said(general.id).filter(({ content }) => content.includes('word'))).toEqual([])
  expect(discord.world.channels.get(message.id)?.name).not.toContain('secret')
  discord.write({
    author: ann,
    channel: discord.world.channels.get(message.id) ?? general,
    text: 'What did I ask?',
    mention: true,
  })
  await replyIn(message.id)
  const sent = JSON.stringify(model.requests.at(-1))
  expect(sent).toContain('What did I ask?')
  expect(sent).not.toContain('QX-secret')
})
