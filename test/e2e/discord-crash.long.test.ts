/** Gateway and worker of Discord as processes of their own, killed in the middle of an answer. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../database.ts'
import { hasEnded, type StandInDiscord, startDiscord } from '../servers/discord.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { environment } from './parley.ts'

const root = join(import.meta.dirname, '../..')
const words = 90
let server: TestServer
let discord: StandInDiscord
let model: ScriptedOpenAi
let env: Record<string, string>
const running: ChildProcess[] = []

beforeAll(async () => {
  server = await startTestDatabase()
  discord = await startDiscord()
  model = await startScriptedOpenAi({
    script: ({ body }) => ({
      tokens: questionTextOf(body).includes('Count')
        ? Array.from({ length: words }, (_, n) => `word${n} `)
        : ['You asked: ', questionTextOf(body).slice(-100)],
      everyMs: 50,
    }),
  })
  const { url } = await server.createDatabase()
  env = environment(server.home, {
    DATABASE_URL: url,
    OPENAI_BASE_URL: model.url,
    LOG_LEVEL: 'warn',
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: discord.url,
  })
})
afterAll(async () => {
  await Promise.all(running.map(kill))
  await model?.close()
  await discord?.[Symbol.asyncDispose]()
  await server?.dispose()
})

async function start(role: 'gateway' | 'worker'): Promise<ChildProcess> {
  const args = [join(root, 'src/cli.ts'), role]
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the ${role} ended before it was ready`)))
  await Promise.race([once(child.stdout, 'data'), ended])
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

it('an answer continues in the same message after a crash, and messages written meanwhile are answered', {
  timeout: 90_000,
}, async () => {
  const [gateway, worker] = await Promise.all([start('gateway'), start('worker')])
  expect(discord.gateway.connected()).toBe(1)
  const ann = discord.world.addUser('Ann')
  const bob = discord.world.addUser('Bob')
  const chat = discord.world.directChat(ann.id)
  const other = discord.world.directChat(bob.id)

  discord.write({ author: ann, channel: chat, text: 'Count the words' })
  const growing = await discord.until(
    () => discord.said(chat.id).find(({ content }) => content.includes('word10')),
    'text',
  )
  await Promise.all([kill(worker), kill(gateway)])
  const shown = growing.content.length
  discord.write({ author: bob, channel: other, text: 'Are you still there?' })
  await Promise.all([start('worker'), start('gateway')])

  const reply = await discord.until(() => discord.said(chat.id).find(hasEnded), 'the end of the answer', 60_000)
  expect(reply.id).toBe(growing.id)
  expect(reply.content.length).toBeGreaterThan(shown)
  expect(reply.content.split('\n-# ')[0]?.trim()).toBe(Array.from({ length: words }, (_, n) => `word${n}`).join(' '))
  expect(discord.said(chat.id)).toHaveLength(1)
  const late = await discord.until(() => discord.said(other.id).find(hasEnded), 'an answer to Bob', 60_000)
  expect(late.content).toContain('Are you still there?')
  expect(discord.gateway.counts).toMatchObject({ identified: 1, resumed: 1 })
  // Workers post over REST alone: there was never a second connection.
  expect(discord.gateway.connected()).toBe(1)
  expect(discord.violations).toEqual([])
  expect(discord.refused).toEqual([])
})
