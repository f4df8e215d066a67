/**
 * A channel whose files are read without a question, on Slack, Discord and Teams: an admin switches it on by the command, and what people
 * post from then on, or posted before, is cited by later answers there. It is gone when its message is deleted, when its author is forgotten,
 * and when the channel is switched off.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/core/log.ts'
import { watchWording } from '../../src/wording/collections.ts'
import { startTestDatabase } from '../database.ts'
import { startDiscord } from '../servers/discord.ts'
import { startScriptedOpenAi } from '../servers/openai.ts'
import { startSlack } from '../servers/slack.ts'
import { bot } from '../servers/slack-state.ts'
import { startTeams, tenant } from '../servers/teams.ts'
import { alice as teamsAlice } from '../servers/teams-people.ts'
import {
  type Chat,
  contentOf,
  nothing,
  onDiscord,
  onSlack,
  onTeams,
  questionOf,
  watchedScript,
} from './watched-chats.ts'

const opened = new AsyncDisposableStack()
const chats = new Map<string, Chat>()
let pool: pg.Pool

beforeAll(async () => {
  const home = await mkdtemp(join(tmpdir(), 'parley-watched-'))
  opened.defer(() => rm(home, { recursive: true, force: true }))
  const server = opened.use(await startTestDatabase())
  const slack = opened.use(await startSlack())
  const discord = opened.use(await startDiscord())
  const teams = opened.use(await startTeams())
  const model = opened.adopt(await startScriptedOpenAi({ script: watchedScript }), (each) => each.close())
  chats.set('Slack', onSlack(slack)).set('Discord', onDiscord(discord)).set('Teams', onTeams(teams))
  const database = await server.createDatabase()
  pool = new pg.Pool({ ...database.connection, max: 1 })
  opened.defer(() => pool.end())
  const yaml = [`teams: { fileHosts: ["${teams.fileHost}"] }`, `admins: ["teams/${tenant}/${teamsAlice.aadObjectId}"]`]
  await writeFile(join(home, 'parley.yaml'), yaml.join('\n'))
  const env = {
    ...{ PORT: '0', OPENAI_BASE_URL: model.url, LOG_LEVEL: 'silent' },
    ...{ PARLEY_HOME: join(home, 'chats'), DATABASE_URL: database.url },
    ...{ SLACK_BOT_TOKEN: bot.token, SLACK_SIGNING_SECRET: slack.signingSecret, SLACK_API_URL: slack.apiUrl },
    ...{ DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url },
    ...teams.environment(),
  }
  const { url } = opened.use(await createApp(readConfig({ env, cwd: home }), { log: silentLog }))
  slack.target = url ?? ''
  teams.target = url ?? ''
}, 120_000)
afterAll(() => opened.disposeAsync(), 60_000)

/** Until a file can be found, or nothing is left of it: neither its words nor its bytes. */
const isThere = (name: string) =>
  expect
    .poll(async () => (await pool.query('select 1 from share where title = $1', [name])).rowCount, { timeout: 60_000 })
    .toBe(1)
async function isGone(name: string, content: string): Promise<void> {
  const left = async () => {
    const { rows } = await pool.query(
      `select (select count(*)::int from share where title = $1) as shares,
        (select count(*)::int from turn_attachment where attachment ->> 'name' = $1) as attachments,
        (select count(*)::int from passage where content_hash = $2) as passages,
        (select count(*)::int from blob where hash = $2) as blobs`,
      [name, createHash('sha256').update(content).digest('hex')],
    )
    return rows[0]
  }
  await expect.poll(left, { timeout: 60_000 }).toEqual({ shares: 0, attachments: 0, passages: 0, blobs: 0 })
}

describe.each(['Slack', 'Discord', 'Teams'])('on %s', { timeout: 180_000 }, (platform) => {
  const chat = () => chats.get(platform) as Chat
  const lower = platform.toLowerCase()
  const post = async (subject: string, day: number) => {
    const [name, content] = [`${subject}-${lower}.txt`, contentOf(`${subject}${lower}`, day)]
    return { name, content, ...(await chat().post(name, content)) }
  }
  const ask = (subject: string) => chat().ask(questionOf(`${subject}${lower}`))

  it('files of a channel are read once an admin says so, and go with their message, their author and the switch', async () => {
    const early = await post('kettle', 3)
    expect(await ask('kettle')).toContain(nothing)
    expect(chat().announced()).not.toContain(watchWording.announced)

    expect(await chat().command('bob', 'policy files-of-channel on')).not.toContain(watchWording.on)
    expect(await chat().command('admin', 'policy files-of-channel on')).toContain(watchWording.on)
    expect(chat().announced()).toContain('From now on, Parley reads the files that are posted in this channel')
    await isThere(early.name)
    const plan = await post('heron', 7)
    await isThere(plan.name)
    for (const { name, link, subject, day } of [
      { ...early, subject: 'kettle', day: 3 },
      { ...plan, subject: 'heron', day: 7 },
    ]) {
      const answer = await ask(subject)
      expect(answer).toContain(`is ready on day ${day}`)
      expect(answer).toContain(name)
      expect(answer).toContain(link)
    }

    await plan.remove()
    await isGone(plan.name, plan.content)
    expect(await ask('heron')).toContain(nothing)

    const own = await post('osprey', 9)
    await isThere(own.name)
    await chat().command('bob', 'forget me --yes')
    await isGone(own.name, own.content)
    await isGone(early.name, early.content)
    expect(await ask('osprey')).toContain(nothing)

    const last = await post('falcon', 12)
    await isThere(last.name)
    expect(await chat().command('admin', 'policy files-of-channel off')).toContain(watchWording.off)
    await isGone(last.name, last.content)
    const late = await post('puffin', 15)
    for (const subject of ['falcon', 'puffin']) expect(await ask(subject)).toContain(nothing)
    await isGone(late.name, late.content)
  })
})
