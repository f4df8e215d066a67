import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { Environment, isLoopback } from './config/environment.ts'
import { File } from './config/file.ts'
import { type ConfigSources, readConfig } from './config.ts'
import { ParleyError } from './core/errors.ts'
import { scopeOf } from './core/scope.ts'
import { configurationWording, settingMust } from './wording/startup.ts'

const root = join(import.meta.dirname, '..')
const emptyFolder = () => mkdtempSync(join(tmpdir(), 'parley-config-'))

const { problem } = configurationWording

function userMessageOf(sources: ConfigSources): string {
  try {
    readConfig({ cwd: emptyFolder(), env: {}, ...sources })
  } catch (error) {
    if (error instanceof ParleyError && error.code === 'config_invalid') return error.userMessage
    throw error
  }
  throw new Error('the configuration was taken')
}

function folderWith(file: string, text: string): string {
  const folder = emptyFolder()
  writeFileSync(join(folder, file), text)
  return folder
}

describe('configuration', () => {
  it('needs nothing', () => {
    const config = readConfig({ env: {}, cwd: emptyFolder() })
    expect(config).toMatchObject({ port: 8787, host: '127.0.0.1', loopback: true, role: 'all', databaseUrl: undefined })
    expect(config.providers).toEqual({ openai: undefined, anthropic: undefined, ollama: undefined, servers: [] })
  })

  it('.env.example has exactly the variables Parley reads', () => {
    const named = [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^([A-Z_]+)=/gm)].map(
      (match) => match[1],
    )
    expect(named.toSorted()).toEqual(Object.keys(Environment.shape).toSorted())
  })

  it('.env.example works unchanged', () => {
    const folder = folderWith('.env', readFileSync(join(root, '.env.example'), 'utf8'))
    expect(readConfig({ env: {}, cwd: folder })).toEqual({ ...readConfig({ env: {}, cwd: folder }), port: 8787 })
  })

  it('parley.example.yaml has exactly the settings Parley reads', () => {
    const example: unknown = parse(readFileSync(join(root, 'parley.example.yaml'), 'utf8'))
    expect(File.safeParse(example).error).toBeUndefined()
    const schema = JSON.stringify(z.toJSONSchema(File, { io: 'input', unrepresentable: 'any' }))
    expect(pathsOf(example).toSorted()).toEqual(pathsOfSchema(JSON.parse(schema) as Schema).toSorted())
  })

  it('the environment wins over .env', () => {
    const folder = folderWith('.env', 'PORT=1111\nHOST="127.0.0.2"\nexport LOG_LEVEL=error\n')
    expect(readConfig({ env: { PORT: '2222' }, cwd: folder })).toMatchObject({
      port: 2222,
      host: '127.0.0.2',
      logLevel: 'error',
    })
  })

  it('an empty variable counts as unset', () => {
    expect(readConfig({ env: { DATABASE_URL: '', PORT: ' ' }, cwd: emptyFolder() })).toMatchObject({
      databaseUrl: undefined,
      port: 8787,
    })
  })

  it('lists every problem at once', () => {
    const cwd = folderWith('parley.yaml', 'turns:\n  concurrency: many\nmodles: {}\n')
    const userMessage = userMessageOf({ env: { PORT: 'http', ROLE: 'boss', DATABASE_URL: 'mysql://x' }, cwd })
    const { fixSettings, problem, unknownSetting, inFile } = configurationWording
    expect(userMessage).toBe(
      fixSettings([
        problem('DATABASE_URL', settingMust.bePostgresUrl),
        problem('PORT', settingMust.beWholeNumber(0, 65_535)),
        problem('ROLE', settingMust.beOneOf(['all', 'gateway', 'worker'])),
        problem(inFile('turns.concurrency'), settingMust.beOfType('number')),
        unknownSetting(inFile('modles')),
      ]),
    )
  })

  it('shows the line of a YAML mistake', () => {
    expect(userMessageOf({ cwd: folderWith('parley.yaml', 'turns:\n  concurrency: [1\nlimits: }') })).toMatch(
      /parley\.yaml is not valid YAML \(line \d+, column \d+\)/,
    )
  })

  it('never prints a value, which may be a secret', () => {
    expect(userMessageOf({ env: { OPENAI_BASE_URL: 'sk-very-secret', DATABASE_URL: 'hunter2' } })).not.toMatch(
      /sk-very-secret|hunter2/,
    )
  })

  it('names each proxy that is no address or range', () => {
    const { inFile } = configurationWording
    expect(readConfig({ env: {}, cwd: emptyFolder() }).trustedProxies).toEqual([])
    const right = folderWith('parley.yaml', "trustedProxies: [127.0.0.1, '::1', 10.0.0.0/8]\n")
    expect(readConfig({ env: {}, cwd: right }).trustedProxies).toEqual([
      { address: '127.0.0.1', prefix: 32 },
      { address: '::1', prefix: 128 },
      { address: '10.0.0.0', prefix: 8 },
    ])
    const wrong = folderWith('parley.yaml', 'trustedProxies: [proxy.example.com, 10.0.0.1, 0.0.0.0/0]\n')
    const userMessage = userMessageOf({ cwd: wrong })
    for (const at of [0, 2])
      expect(userMessage).toContain(problem(inFile(`trustedProxies.${at}`), settingMust.beAddressRange))
    expect(userMessage).not.toContain('trustedProxies.1')
  })

  it('a worker needs DATABASE_URL', () => {
    expect(userMessageOf({ env: { ROLE: 'worker' } })).toContain(configurationWording.databaseNeeded('worker'))
  })

  it('a partly configured Slack names the missing settings', () => {
    const [bot, app, signing] = ['xoxb-1', 'xapp-1', 'a-signing-secret']
    expect(userMessageOf({ env: { SLACK_BOT_TOKEN: bot } })).toContain(
      configurationWording.slackIncomplete(
        [configurationWording.slackEvents],
        configurationWording.slackPurpose.receive,
      ),
    )
    expect(userMessageOf({ env: { SLACK_APP_TOKEN: app } })).toContain('SLACK_BOT_TOKEN')
    const installed = { SLACK_CLIENT_ID: 'c', SLACK_CLIENT_SECRET: 's', SLACK_SIGNING_SECRET: signing }
    expect(userMessageOf({ env: installed })).toContain('PARLEY_SECRET and PUBLIC_URL')
    expect(readConfig({ env: { SLACK_BOT_TOKEN: bot, SLACK_APP_TOKEN: app } }).slack).toEqual({
      botToken: bot,
      appToken: app,
    })
    expect(readConfig({ env: {} }).slack).toBeUndefined()
  })

  it.each([
    [{}, {}],
    [{ SLACK_APP_TOKEN: 'xapp-1' }, { appToken: 'xapp-1' }],
    [{ SLACK_CLIENT_ID: 'c', PUBLIC_URL: 'https://x.org' }, { publicUrl: 'https://x.org' }],
  ])('a Slack that is being set up is read as far as it goes: %j', (env, slack) => {
    expect(readConfig({ env, unfinished: 'slack' }).slack).toEqual(slack)
    expect(userMessageOf({ env: { ...env, PORT: 'none' }, unfinished: 'slack' })).toContain('PORT')
  })

  it('a token of Slack that expires is refused with what to do', () => {
    const token = 'xoxe.xoxb-1-secret'
    const userMessage = userMessageOf({ env: { SLACK_BOT_TOKEN: token, SLACK_APP_TOKEN: 'xapp-1' } })
    expect(userMessage).toContain(settingMust.notRotate)
    expect(userMessage).not.toContain(token)
  })

  it.each([
    [
      { OPENAI_API_KEY: 'sk-o' },
      { dialect: 'openai', url: 'https://api.openai.com/v1', model: 'whisper-1', apiKey: 'sk-o' },
    ],
    [{ OPENAI_API_KEY: 'sk-o', OPENAI_BASE_URL: 'http://vllm:8000/v1' }, undefined],
    [
      { OPENAI_API_KEY: 'sk-o', TRANSCRIBE_URL: 'http://ears:9000/asr' },
      { dialect: 'asr', url: 'http://ears:9000/asr' },
    ],
    [
      {
        OPENAI_API_KEY: 'sk-o',
        TRANSCRIBE_URL: 'http://ears:8000/v1',
        TRANSCRIBE_MODEL: 'small',
        TRANSCRIBE_API_KEY: 'k',
      },
      { dialect: 'openai', url: 'http://ears:8000/v1', model: 'small', apiKey: 'k' },
    ],
  ])('%o: the transcription server gets only its own key', (env, transcriber) => {
    expect(readConfig({ env, cwd: emptyFolder() }).transcriber).toEqual(transcriber)
  })

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:11434'],
    ['gpu-box:1234', 'http://gpu-box:1234'],
    ['gpu-box:80', 'http://gpu-box'],
    ['https://ollama.example.com', 'https://ollama.example.com'],
    ['[::1]', 'http://[::1]:11434'],
  ])('OLLAMA_HOST %s means %s', (host, baseUrl) => {
    expect(readConfig({ env: { OLLAMA_HOST: host }, cwd: emptyFolder() }).providers.ollama).toEqual({ baseUrl })
  })

  it('Anthropic is configured by its key, or by an address that needs none', () => {
    const anthropic = (env: NodeJS.ProcessEnv) => readConfig({ env, cwd: emptyFolder() }).providers.anthropic
    expect(anthropic({ ANTHROPIC_API_KEY: 'k' })).toEqual({ apiKey: 'k', baseUrl: undefined })
    expect(anthropic({ ANTHROPIC_BASE_URL: 'http://gateway:1' })).toEqual({
      apiKey: undefined,
      baseUrl: 'http://gateway:1',
    })
    expect(userMessageOf({ env: { OLLAMA_HOST: 'not a host' } })).toContain('OLLAMA_HOST')
  })

  it('reads prices exactly', () => {
    const cwd = folderWith(
      'parley.yaml',
      'models: {list: [{id: a, provider: openai, price: {input: 0.1, output: "0.2"}}]}',
    )
    expect(readConfig({ env: {}, cwd }).models.list[0]?.price).toEqual({
      kind: 'tokens',
      rates: { input: 100_000_000n, output: 200_000_000n },
    })
  })

  it('reads a price per hour of hardware', () => {
    const cwd = folderWith('parley.yaml', 'models: {list: [{id: a, provider: ollama, price: {perHour: 2.5}}]}')
    expect(readConfig({ env: {}, cwd }).models.list[0]?.price).toEqual({ kind: 'hours', perHour: 2_500_000_000n })
  })

  it.each([
    ['{input: 1}', settingMust.bePrice],
    ['{perHour: 1, input: 1, output: 1}', settingMust.bePrice],
    ['{input: 1, output: 1, concurrency: 2}', settingMust.bePrice],
    ['{concurrency: 2}', settingMust.bePrice],
    ['{perHour: 1, perAudioHour: 1}', settingMust.bePrice],
    ['{}', settingMust.bePrice],
    ['{input: cheap, output: 1}', settingMust.beAmount],
    ['{input: -1, output: 1}', settingMust.beAmount],
  ])('a price of %s is refused', (price, sentence) => {
    const userMessage = userMessageOf({
      cwd: folderWith('parley.yaml', `models: {list: [{id: a, provider: openai, price: ${price}}]}`),
    })
    expect(userMessage).toContain('parley.yaml: models.list.0.price')
    expect(userMessage).toContain(sentence)
  })

  it('budgets are exact amounts per scope and period, in the time zone of the file', () => {
    const budgets =
      'budgets: [{scope: all, period: month, usd: 0.1}, {scope: "model:openai/gpt-5", period: day, usd: "5"}]'
    const cwd = folderWith('parley.yaml', `timezone: Europe/Berlin\n${budgets}`)
    expect(readConfig({ env: {}, cwd })).toMatchObject({
      timeZone: 'Europe/Berlin',
      budgets: [
        { scope: 'all', period: 'month', amount: 100_000_000n, timeZone: 'Europe/Berlin' },
        { scope: 'model:openai/gpt-5', period: 'day', amount: 5_000_000_000n, timeZone: 'Europe/Berlin' },
      ],
    })
    expect(readConfig({ env: {}, cwd: emptyFolder() })).toMatchObject({ timeZone: 'UTC', budgets: [] })
  })

  it.each([
    ['model:gpu/meta-llama/Llama-3.1-8B-Instruct', scopeOf.model('gpu', 'meta-llama/Llama-3.1-8B-Instruct')],
    ['model:ollama/llama3.2:3b', scopeOf.model('ollama', 'llama3.2:3b')],
    ['model:hf/unsloth/Qwen3-8B-GGUF:Q4_K_M', scopeOf.model('hf', 'unsloth/Qwen3-8B-GGUF:Q4_K_M')],
    ['model:gpu/meta-llama%2FLlama-3.1-8B', scopeOf.model('gpu', 'meta-llama/Llama-3.1-8B')],
    ['user:teams/T 1/29:1x', scopeOf.user({ platform: 'teams', workspaceId: 'T 1', userId: '29:1x' })],
  ])('a budget names its scope as people write it: %s', (written, scope) => {
    const cwd = folderWith('parley.yaml', `budgets: [{scope: ${JSON.stringify(written)}, period: day, usd: 5}]`)
    expect(readConfig({ env: {}, cwd }).budgets).toMatchObject([{ scope }])
  })

  it.each([
    ['timezone: Mars/Olympus', problem('timezone', settingMust.beTimeZone)],
    ['timezone: "+02:00"', problem('timezone', settingMust.beTimeZone)],
    [
      'budgets: [{scope: all, period: year, usd: 1}]',
      problem('budgets.0.period', settingMust.beOneOf(['day', 'week', 'month'])),
    ],
    ['budgets: [{scope: all, period: day, usd: -1}]', problem('budgets.0.usd', settingMust.beAmount)],
    [
      'budgets: [{scope: "channel:slack/T1/C1/C2", period: day, usd: 1}]',
      problem('budgets.0.scope', settingMust.beScope),
    ],
    ['budgets: [{scope: "model:gpu/", period: day, usd: 1}]', problem('budgets.0.scope', settingMust.beScope)],
    ['budgets: [{scope: all, period: day, usd: 1000000001}]', problem('budgets.0.usd', settingMust.beAmount)],
    ['budgets: [{scope: C1, period: day, usd: 1}]', problem('budgets.0.scope', settingMust.beScope)],
    [
      'budgets: [{scope: all, period: day, usd: 1}, {scope: all, period: day, usd: 2}]',
      problem('budgets', settingMust.notRepeatBudgets),
    ],
  ])('%s is reported in a sentence', (file, sentence) => {
    expect(userMessageOf({ cwd: folderWith('parley.yaml', file) })).toContain(configurationWording.inFile(sentence))
  })

  it.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['localhost', true],
    ['::1', true],
    ['[::1]', true],
    ['0.0.0.0', false],
    ['192.168.1.4', false],
    ['127.0.0.1.example.com', false],
    ['::', false],
  ])('%s is reachable from this machine only: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })
})

describe('secrets', () => {
  it('are keys, tokens, and passwords in addresses, both encoded and decoded', () => {
    const { secrets } = readConfig({
      cwd: emptyFolder(),
      env: {
        OPENAI_API_KEY: 'sk-1',
        PARLEY_SECRET: 'sixteen characters',
        PORT: '0',
        OPENAI_BASE_URL: 'http://localhost/v1',
        DATABASE_URL: 'postgres://parley:p%40ssword@db/parley',
        REDIS_URL: 'redis://:%zzredis@cache',
      },
    })
    expect(secrets.toSorted()).toEqual(['%zzredis', 'p%40ssword', 'p@ssword', 'sixteen characters', 'sk-1'].toSorted())
  })
})

describe('further model servers', () => {
  const servers = (text: string, env = {}) => readConfig({ env, cwd: folderWith('parley.yaml', `models:\n${text}`) })

  it('work next to the cloud, each with its own key, which is redacted in logs', () => {
    const config = servers('  servers: [{ name: gpu, url: http://gpu:8000/v1, keyVariable: GPU_PASS }]', {
      GPU_PASS: 'sesame-open',
    })
    expect(config.providers.servers).toEqual([{ name: 'gpu', baseUrl: 'http://gpu:8000/v1', apiKey: 'sesame-open' }])
    expect(config.secrets).toContain('sesame-open')
  })

  const inBraces = (variable: string) => `\${${variable}}`

  it('get headers of their own, with variables in them, whose values are redacted in logs', () => {
    const config = servers(
      `  servers: [{ name: gate, url: http://gate/v1, headers: { x-portkey-provider: openai, Api-Key: 'key ${inBraces('GATE_KEY')}' } }]`,
      { GATE_KEY: 'sesame-open' },
    )
    expect(config.providers.servers).toMatchObject([
      { headers: { 'x-portkey-provider': 'openai', 'Api-Key': 'key sesame-open' } },
    ])
    expect(config.secrets).toContain('sesame-open')
    expect(config.secrets).not.toContain('openai')
  })

  it.each([
    [
      `[{ name: a, url: http://a/v1, headers: { api-key: '${inBraces('NO_SUCH')}' } }]`,
      configurationWording.serverHeaderMissing('a', 'api-key', 'NO_SUCH'),
    ],
    ['[{ name: a, url: http://a/v1, headers: { Host: b } }]', settingMust.haveHeaderNames],
    ['[{ name: a, url: http://a/v1, headers: { "x y": b } }]', settingMust.haveHeaderNames],
    ['[{ name: a, url: http://a/v1, headers: { x: "a\\nb" } }]', settingMust.beHeaderValue],
    ['[{ name: openai, url: http://a/v1 }]', configurationWording.serverNameTaken('openai')],
    ['[{ name: a, url: http://a/v1 }, { name: a, url: http://b/v1 }]', configurationWording.serverNameTaken('a')],
    ['[{ name: a, url: http://a/v1, keyVariable: NO_SUCH }]', configurationWording.serverKeyMissing('a', 'NO_SUCH')],
    ['[{ name: a, url: http://a/v1, keyVariable: sk-1234 }]', settingMust.beVariableName],
  ])('%s is refused: %s', (list, sentence) => {
    expect(() => servers(`  servers: ${list}`)).toThrow(sentence)
  })

  it('are the only providers a model may name', () => {
    expect(() => servers('  list: [{ id: m, provider: gpu }]')).toThrow(
      configurationWording.providerUnknown('m', 'gpu', ['openai', 'anthropic', 'ollama', 'transcriber', 'embeddings']),
    )
  })
})

describe('the cloud of Teams', () => {
  const env = { TEAMS_CLIENT_ID: 'a', TEAMS_CLIENT_SECRET: 'b' }
  const read = (file: string) => readConfig({ env, cwd: folderWith('parley.yaml', file) }).teams

  it('is the public one, or the one that parley.yaml names', () => {
    expect(read('{}')?.cloud).toBe('public')
    expect(read('teams: { cloud: usgovdod }')?.cloud).toBe('usgovdod')
    const { beSecureUrl, beOneOf } = settingMust
    expect(() => read('teams: { cloud: mars }')).toThrow(beOneOf(['public', 'usgov', 'usgovdod', 'china']))
    expect(() => read('teams: { app: { privacyUrl: "http://x.org" } }')).toThrow(beSecureUrl)
  })
})

describe('Parley is reachable from outside', () => {
  const slack = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: 'signing-secret' }
  const teams = { TEAMS_CLIENT_ID: 'a', TEAMS_CLIENT_SECRET: 'b' }
  it.each([
    ['not by default', {}, false],
    ['not with Slack by Socket Mode', { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' }, false],
    ['not with Discord', { DISCORD_TOKEN: 'x' }, false],
    ['with PUBLIC_URL', { PUBLIC_URL: 'https://parley.example.com' }, true],
    ['with Slack over HTTP', slack, true],
    ['with Teams', teams, true],
  ])('%s', (_name, env, exposed) => {
    expect(readConfig({ env, cwd: '/nowhere' }).exposed).toBe(exposed)
  })
})

/** `a.b.c` for each leaf of a value; the entries of a list share their path. */
function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((each) => pathsOf(each, `${path}[]`)))]
  if (typeof value !== 'object' || value === null) return [path]
  // Families of formats have the same settings; the example shows each setting where it matters most.
  if (path === 'reading' || /\.(?:headers|roles|teams)$/.test(path))
    return [...new Set(Object.values(value).flatMap((each) => pathsOf(each, `${path}.*`)))]
  return Object.entries(value).flatMap(([key, each]) => pathsOf(each, path === '' ? key : `${path}.${key}`))
}

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
}

/** The same of a schema. A record's keys are shown by one example in the file. */
function pathsOfSchema(schema: Schema, path = ''): string[] {
  if (schema.items) return pathsOfSchema(schema.items, `${path}[]`)
  if (typeof schema.additionalProperties === 'object') return pathsOfSchema(schema.additionalProperties, `${path}.*`)
  if (!schema.properties) return [path]
  return Object.entries(schema.properties).flatMap(([key, each]) =>
    pathsOfSchema(each, path === '' ? key : `${path}.${key}`),
  )
}
