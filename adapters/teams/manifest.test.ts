/** The app package for Teams, and the doctor's checks. */
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import * as yauzl from 'yauzl'
import { teamsWording } from '../../src/wording/teams.ts'
import { run, temporaryHome } from '../../test/e2e/parley.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { bot, startTeams, type TeamsStandIn, tenant } from '../../test/servers/teams.ts'
import { settingsFor } from '../../test/servers/teams-rig.ts'
import { appPackage, manifest, manifestVersion } from './manifest.ts'
import { createPages } from './pages.ts'
import { graphPermissions } from './settings.ts'
import { createSetup } from './setup.ts'

let teams: TeamsStandIn
beforeAll(async () => {
  teams = await startTeams()
})
afterAll(() => teams?.[Symbol.asyncDispose]())

const commands = [
  { name: 'help', summary: 'What can be typed here', args: [] },
  {
    name: 'budget set',
    summary: 'Set one',
    args: [{ name: 'usd', summary: '', required: true, type: 'usd' as const }],
  },
  { name: 'usage', summary: 'x'.repeat(300), args: [] },
  { name: 'models unpin', summary: 'Unpins', args: [], changes: true },
]
const options = () => ({
  settings: settingsFor(teams),
  commands,
  version: '1.4.2-beta.1',
  publicUrl: 'https://parley.example.com',
})

/** The limits of Microsoft's schema for the parts that Parley's manifest uses. */
const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength })
const guid = { type: 'string', pattern: '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$' }
const url = { type: 'string', pattern: '^https://', maxLength: 2048 }
const object = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const scope = { enum: ['team', 'personal', 'groupChat', 'copilot'] }
const schema = object({
  $schema: {
    const: `https://developer.microsoft.com/json-schemas/teams/v${manifestVersion}/MicrosoftTeams.schema.json`,
  },
  manifestVersion: { const: manifestVersion },
  version: { type: 'string', pattern: '^([0-9]|[1-9]+[0-9]*)\\.([0-9]|[1-9]+[0-9]*)\\.([0-9]|[1-9]+[0-9]*)$' },
  id: guid,
  developer: object({ name: text(32), websiteUrl: url, privacyUrl: url, termsOfUseUrl: url }),
  name: object({ short: text(30), full: text(100) }),
  description: object({ short: text(80), full: text(4000) }),
  icons: object({ color: text(2048), outline: text(2048) }),
  accentColor: { type: 'string', pattern: '^#[0-9a-fA-F]{6}$' },
  bots: {
    type: 'array',
    maxItems: 1,
    items: object({
      botId: guid,
      supportsFiles: { type: 'boolean' },
      isNotificationOnly: { type: 'boolean' },
      scopes: { type: 'array', maxItems: 3, uniqueItems: true, items: scope },
      commandLists: {
        type: 'array',
        maxItems: 3,
        items: object({
          scopes: { type: 'array', maxItems: 3, items: scope },
          commands: { type: 'array', maxItems: 10, items: object({ title: text(32), description: text(128) }) },
        }),
      },
    }),
  },
  composeExtensions: {
    type: 'array',
    maxItems: 1,
    items: object({
      botId: guid,
      commands: {
        type: 'array',
        maxItems: 10,
        items: object({
          id: text(64),
          title: text(32),
          description: text(128),
          fetchTask: { type: 'boolean' },
          type: { enum: ['query', 'action'] },
          context: { type: 'array', maxItems: 3, items: { enum: ['compose', 'commandBox', 'message'] } },
        }),
      },
    }),
  },
  permissions: { type: 'array', maxItems: 2, items: { enum: ['identity', 'messageTeamMembers'] } },
  validDomains: { type: 'array', maxItems: 16, items: { type: 'string', maxLength: 2048, pattern: '^[\\w.-]+$' } },
  webApplicationInfo: object({ id: guid, resource: text(2048) }),
  authorization: object({
    permissions: object({
      resourceSpecific: {
        type: 'array',
        maxItems: 16,
        items: object({ name: text(128), type: { enum: ['Application', 'Delegated'] } }),
      },
    }),
  }),
})

/** Uses another ZIP reader than Parley's code. */
async function unzip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const archive = await yauzl.fromBufferPromise(bytes)
  const files = new Map<string, Buffer>()
  for await (const entry of archive.eachEntry()) {
    const pieces: Buffer[] = []
    for await (const piece of await archive.openReadStreamPromise(entry)) pieces.push(piece)
    files.set(entry.fileName, Buffer.concat(pieces))
  }
  return files
}

describe('the app package', () => {
  it('has a manifest that fits Microsoft’s schema, and two icons of the right size', async () => {
    const files = await unzip(await appPackage(options()))
    expect([...files.keys()]).toEqual(['manifest.json', 'color.png', 'outline.png'])
    const manifest: unknown = JSON.parse(String(files.get('manifest.json')))
    const validate = new Ajv({ strict: false }).compile(schema)
    validate(manifest)
    expect(validate.errors).toBeNull()
    expect(manifest).toMatchObject({
      id: bot.appId,
      version: '1.4.2',
      bots: [
        {
          botId: bot.appId,
          supportsFiles: true,
          commandLists: [{ commands: [{ title: '/parley help' }, { title: '/parley usage' }] }],
        },
      ],
      composeExtensions: [{ commands: [{ title: teamsWording.manifest.ask, context: ['message'] }] }],
    })
    const color = await sharp(files.get('color.png')).metadata()
    expect([color.format, color.width, color.height]).toEqual(['png', 192, 192])
    const outline = sharp(files.get('outline.png'))
    expect(await outline.metadata()).toMatchObject({ format: 'png', width: 32, height: 32, hasAlpha: true })
    // White on nothing: every pixel that is seen is white.
    const { data } = await outline.raw().toBuffer({ resolveWithObject: true })
    for (let at = 0; at < data.length; at += 4)
      if ((data[at + 3] ?? 0) > 8)
        expect(Math.min(data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0)).toBeGreaterThan(240)
  })

  it('asks for the right to read messages and, so that nobody is shown what they may not see, members', () => {
    const { authorization } = manifest(options()) as {
      authorization: { permissions: { resourceSpecific: { name: string; type: string }[] } }
    }
    expect(authorization.permissions.resourceSpecific).toEqual(
      ['ChannelMessage.Read.Group', 'ChatMessage.Read.Chat', 'ChatMember.Read.Chat', 'ChannelMember.Read.Group'].map(
        (name) => ({
          name,
          type: 'Application',
        }),
      ),
    )
  })

  it('links to pages that this Parley serves to anyone', async () => {
    const { developer } = manifest(options()) as { developer: Record<string, string> }
    const http = await serveMounts([createPages()])
    onTestFinished(() => http.close())
    const pages = [
      ['websiteUrl', teamsWording.pages.about],
      ['privacyUrl', teamsWording.pages.privacy],
      ['termsOfUseUrl', teamsWording.pages.terms],
    ] as const
    for (const [field, { title, text: paragraphs }] of pages) {
      const { origin, pathname } = new URL(developer[field] ?? '')
      expect(origin).toBe('https://parley.example.com')
      // As a proxy hands it on.
      const response = await fetch(`${http.url}${pathname}`, { headers: { 'x-forwarded-for': '203.0.113.9' } })
      const page = await response.text()
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8'])
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(page).toContain(`<h1>${title}</h1>`)
      for (const paragraph of paragraphs) expect(page).toContain(`<p>${paragraph}</p>`)
      expect(page).not.toContain('<script')
    }
    expect((await fetch(`${http.url}/teams/other`)).status).toBe(404)
  })

  it('has the names and addresses of the organization, if it sets them', () => {
    const app = {
      name: 'Ada',
      fullName: 'Ada, our assistant',
      developer: 'Contoso',
      websiteUrl: 'https://contoso.com/ada',
      privacyUrl: 'https://contoso.com/privacy',
      termsUrl: 'https://contoso.com/terms',
    }
    expect(manifest({ ...options(), settings: { ...options().settings, app } })).toMatchObject({
      name: { short: 'Ada', full: 'Ada, our assistant' },
      developer: {
        name: 'Contoso',
        websiteUrl: 'https://contoso.com/ada',
        privacyUrl: 'https://contoso.com/privacy',
        termsOfUseUrl: 'https://contoso.com/terms',
      },
    })
    const some = manifest({
      ...options(),
      settings: { ...options().settings, app: { privacyUrl: 'https://contoso.com/p' } },
    })
    expect(some).toMatchObject({
      name: { short: 'Parley' },
      developer: { name: 'Parley', privacyUrl: 'https://contoso.com/p' },
    })
  })

  it('has the same bytes for the same settings', async () => {
    expect(await appPackage(options())).toEqual(await appPackage(options()))
  })

  it('is written by `parley teams manifest`, which names missing settings', async () => {
    const cwd = await temporaryHome()
    const env = { PATH: process.env.PATH ?? '', TEAMS_CLIENT_ID: bot.appId, TEAMS_CLIENT_SECRET: 'secret-of-it' }
    const cli = join(import.meta.dirname, '../../src/cli.ts')
    const out = join(tmpdir(), `parley-teams-${process.pid}.zip`)
    const without = await run([cli, 'teams', 'manifest', '--out', out], env, { cwd })
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining(teamsWording.errors.packageSettings) })
    const made = await run(
      [cli, 'teams', 'manifest', '--out', out],
      { ...env, PUBLIC_URL: 'https://parley.example.com' },
      { cwd },
    )
    expect(made).toMatchObject({ code: 0, stdout: `${out}\n` })
  })
})

describe('the doctor', () => {
  it('reports each part, or how to fix it', async () => {
    const setup = createSetup({ ...options(), publicUrl: 'http://127.0.0.1:1' })
    const { doctor } = teamsWording
    const wanted = Object.entries(graphPermissions)
      .map(([name, why]) => `${name} (${why})`)
      .join(', ')
    const found = new Map((await setup.examine()).map(({ name, ok, userMessage }) => [name, { ok, userMessage }]))
    expect(found.get('credentials')).toEqual({ ok: true, userMessage: doctor.credentials(bot.appId, tenant) })
    expect(found.get('signing keys')).toMatchObject({
      ok: true,
      userMessage: expect.stringContaining('1 signing key '),
    })
    expect(found.get('messaging endpoint')).toMatchObject({
      ok: false,
      userMessage: doctor.notHttps('http://127.0.0.1:1/api/messages'),
    })
    expect(found.get('files in channels')).toMatchObject({
      ok: false,
      userMessage: doctor.permissionsMissing(wanted),
    })
  })

  it('names the setting that Microsoft’s login rejects', async () => {
    const settings = { ...settingsFor(teams), clientSecret: 'wrong' }
    const found = await createSetup({ ...options(), settings }).examine()
    expect(found[0]).toMatchObject({
      ok: false,
      userMessage: teamsWording.login.wrongSecret,
    })
    expect(JSON.stringify(found)).not.toContain('wrong')
  })
})

it('TEAMS_AUTH=off is rejected unless Parley listens on this machine only', async () => {
  const cwd = await temporaryHome()
  await writeFile(join(cwd, 'parley.yaml'), '')
  const { PATH = '' } = process.env
  const main = join(import.meta.dirname, '../../src/main.ts')
  const refused = await run([main], { PATH, TEAMS_AUTH: 'off', HOST: '0.0.0.0', PARLEY_HOME: cwd }, { cwd })
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('TEAMS_AUTH=off') })
})
