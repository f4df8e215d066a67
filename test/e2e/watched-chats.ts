/** What people do in a channel of Slack, Discord and Teams whose files may be read without a question, and a model that answers from them. */
import type { StandInDiscord } from '../servers/discord.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { erase } from '../servers/slack-context.ts'
import { addPeople, alice, finished } from '../servers/slack-rig.ts'
import { bot, shown } from '../servers/slack-state.ts'
import type { SlackStandIn } from '../servers/slack-types.ts'
import type { TeamsStandIn } from '../servers/teams.ts'
import { createPeople, alice as teamsAlice, thread } from '../servers/teams-people.ts'
import { claimsOf, isFinished, isReply, until } from '../servers/teams-state.ts'

/** What people do in one channel of a platform. */
export interface Chat {
  /** Types a command and answers what Parley says to it. */
  command(by: 'admin' | 'bob', text: string): Promise<string>
  /** Everything that Parley said to all in the channel. */
  announced(): string
  /** Bob posts a file without a word to Parley. */
  post(name: string, content: string): Promise<{ link: string; remove(): Promise<unknown> }>
  /** Alice asks in the channel; the whole answer with its sources. */
  ask(question: string): Promise<string>
}

export const nothing = 'Nobody told me.'

/** Answers with what a file says of the subject of the question, and where it says so. */
export const watchedScript = ({ body }: { body: unknown }) => {
  const subject = /the (\w+)\?/.exec(questionTextOf(body))?.[1]
  const text = JSON.stringify(body)
  const found = new RegExp(`The ${subject} is ready on day \\d+`).exec(text)
  const label = [...text.slice(0, found?.index ?? 0).matchAll(/source=\\"(\d+:[a-z]\d+(?:-\d+)?)\\"/g)].at(-1)?.[1]
  return { tokens: found === null ? [nothing] : [`${found[0]} [${label}].`] }
}
export const contentOf = (subject: string, day: number) => `The ${subject} is ready on day ${day} of the month.`
export const questionOf = (subject: string) => `When is the ${subject}?`

export async function slackCommand(slack: SlackStandIn, user: string, channel: string, text: string): Promise<string> {
  const before = slack.state.responses.length
  const where = { user_id: user, user_name: user, channel_id: channel, channel_name: 'general' }
  const { body } = await slack.form({ command: '/parley', text, ...where })
  if (body !== '') return body
  return JSON.stringify(await slack.until(() => slack.state.responses[before], `an answer to ${text}`, 60_000))
}

export function onSlack(slack: SlackStandIn): Chat {
  addPeople(slack)
  const bob = 'U0BOB00001'
  slack.state.users.set(bob, { id: bob, name: 'Bob', team: 'T0PARLEY01', more: {} })
  const channel = 'C0GENERAL1'
  return {
    command: (by, text) => slackCommand(slack, by === 'admin' ? 'U0OWNER001' : bob, channel, text),
    announced: () => slack.state.messages.flatMap((each) => (each.channel === channel ? shown(each) : [])).join('\n'),
    async post(name, content) {
      const file = slack.addFile({ name, mimetype: 'text/plain', content: Buffer.from(content) })
      const { ts } = await slack.say({ channel, user: bob, text: 'For all of you', files: [file] })
      return { link: `https://acme.slack.com/files/${file.id}/${name}`, remove: () => erase(slack, channel, ts) }
    },
    async ask(question) {
      const { ts } = await slack.say({ channel, user: alice, text: `<@${bot.user}> ${question}`, mention: true })
      const reply = await slack.until(() => slack.replies(channel, ts).find(finished), 'the reply on Slack', 60_000)
      return `${shown(reply)} ${JSON.stringify(reply.blocks)}`
    },
  }
}

export function onDiscord(discord: StandInDiscord): Chat {
  const [ann, bob] = [discord.world.addUser('Ann'), discord.world.addUser('Bob')]
  const guild = discord.world.addGuild('Team', ann)
  guild.members.set(bob.id, [])
  const channel = discord.world.addChannel(guild, 'general')
  const ended = (id: string) =>
    discord.said(id).find(({ components }) => /"more:|"regenerate:/.test(JSON.stringify(components ?? [])))
  return {
    async command(by, text) {
      const [name = '', sub = '', state = '', yes] = text.split(' ')
      const value = { type: 3, name: name === 'forget' ? 'what' : 'state', value: name === 'forget' ? sub : state }
      const options =
        name === 'forget'
          ? [{ type: 1, name, options: [value, { type: 5, name: 'yes', value: yes ?? state !== '' }] }]
          : [{ type: 2, name, options: [{ type: 1, name: sub, options: [value] }] }]
      const user = by === 'admin' ? ann : bob
      const use = discord.use({ user, channel, type: 2, data: { type: 1, name: 'parley', options } })
      return JSON.stringify(await discord.until(() => use.acknowledged?.data ?? use.original, `an answer to ${text}`))
    },
    announced: () =>
      discord
        .said(channel.id)
        .map(({ content }) => content)
        .join('\n'),
    async post(name, content) {
      const message = discord.write({
        author: bob,
        channel,
        files: [{ name, data: Buffer.from(content), type: 'text/plain' }],
      })
      const link = `https://discord.com/channels/${guild.id}/${channel.id}/${message.id}`
      return { link, remove: async () => discord.delete(message) }
    },
    async ask(question) {
      const asked = discord.write({ author: ann, channel, text: question, mention: true })
      return (await discord.until(() => ended(asked.id), 'the reply on Discord', 60_000)).content
    },
  }
}

export function onTeams(teams: TeamsStandIn): Chat {
  const people = createPeople(teams)
  const bob = { id: '29:1bob-of-the-directory', name: 'Bob', aadObjectId: 'bbbbbbbb-0000-4000-8000-000000000002' }
  teams.people.set(bob.id, bob)
  const said = (conversation: string) => teams.state.messages(conversation)
  const saidToAll = (root: string) =>
    said(thread(root).conversation).flatMap(({ activity, only }) => (only === undefined ? [activity.text ?? ''] : []))
  const author = { application: null, device: null, user: { id: bob.aadObjectId, displayName: bob.name } }
  /** Of the posts in the channel. */
  const roots: string[] = []
  function newPost() {
    const id = teams.state.nextId()
    roots.push(id)
    return { id, place: thread(id) }
  }
  return {
    async command(by, text) {
      const { id, place } = newPost()
      await people.say(place, `/parley ${text}`, { id, from: by === 'admin' ? teamsAlice : bob })
      const told = () => said(place.conversation).find(({ only }) => only !== undefined)
      return (await until(told, `an answer to ${text}`, 60_000)).activity.text ?? ''
    },
    announced: () => roots.flatMap(saidToAll).join('\n'),
    async post(name, content) {
      const { id, place } = newPost()
      const file = people.addFile(name, Buffer.from(content))
      const link = `https://contoso.sharepoint.com/sites/team/${file.id}/${name}`
      const attachments = [{ id: name, contentType: 'reference', contentUrl: link, name }]
      const html = `<p>For all of you</p><attachment id="${name}"></attachment>`
      const recorded = teams.said.say(place.conversation, { id, from: author, html, more: { attachments } })
      await teams.deliver({
        ...people.message(place, 'For all of you', { id, quiet: true, from: bob }),
        attachments: [{ contentType: 'text/html', content: html }],
      })
      return {
        link,
        async remove() {
          recorded.deletedDateTime = new Date().toISOString()
          const about = people.about(place, bob) as { channelData: object }
          const channelData = { ...about.channelData, eventType: 'softDeleteMessage' }
          await teams.deliver({ ...about, type: 'messageDelete', id, channelData })
        },
      }
    },
    async ask(question) {
      const { id, place } = newPost()
      await people.say(place, question, { id })
      const reply = await until(
        () => said(place.conversation).filter(isReply).find(isFinished),
        'the reply in Teams',
        60_000,
      )
      return JSON.stringify([reply.activity.text, claimsOf(reply)])
    },
  }
}
