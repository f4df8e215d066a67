/** A Parley that is killed while it reads the files that were in a channel before it was told to read them. */
import pg from 'pg'
import { expect, it } from 'vitest'
import { startTestDatabase } from '../database.ts'
import { startScriptedOpenAi } from '../servers/openai.ts'
import { startSlack } from '../servers/slack.ts'
import { bot } from '../servers/slack-state.ts'
import { removeHome, startParley, temporaryHome } from './parley.ts'
import { contentOf, onSlack, questionOf, slackCommand, watchedScript } from './watched-chats.ts'

it('goes on with it', { timeout: 180_000 }, async () => {
  await using opened = new AsyncDisposableStack()
  const server = opened.use(await startTestDatabase())
  const slack = opened.use(await startSlack())
  const model = opened.adopt(await startScriptedOpenAi({ script: watchedScript }), (each) => each.close())
  const home = opened.adopt(await temporaryHome(), removeHome)
  const database = await server.createDatabase()
  const pool = opened.adopt(new pg.Pool({ ...database.connection, max: 1 }), (each) => each.end())
  const start = async () => {
    const parley = opened.use(
      await startParley(home, {
        ...{ OPENAI_BASE_URL: model.url, DATABASE_URL: database.url },
        ...{ SLACK_BOT_TOKEN: bot.token, SLACK_SIGNING_SECRET: slack.signingSecret, SLACK_API_URL: slack.apiUrl },
      }),
    )
    slack.target = parley.url
    return parley
  }
  const channel = 'C0GENERAL1'
  const chat = onSlack(slack)
  const first = await start()
  await chat.post('wren.txt', contentOf('wren', 21))
  let isKilled = false
  slack.options.limit = (method, _, args) => {
    if (isKilled || method !== 'files.list' || args.channel !== channel) return undefined
    isKilled = true
    void first.kill('SIGKILL')
    return undefined
  }
  await slackCommand(slack, 'U0OWNER001', channel, 'policy files-of-channel on')
  await first.ended
  expect((await pool.query(`select state, kind from learned_source`)).rows).toEqual([
    { state: 'reading', kind: 'watch' },
  ])
  expect((await pool.query(`select 1 from share`)).rows).toEqual([])

  await start()
  await expect
    .poll(async () => (await pool.query('select title from share')).rows, { timeout: 120_000 })
    .toEqual([{ title: 'wren.txt' }])
  const answer = await chat.ask(questionOf('wren'))
  expect(answer).toContain('The wren is ready on day 21')
  expect(answer).toContain('wren.txt')
})
