/** What can be known of the image and the compose file without an engine to build and run them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { Environment } from '../src/config/environment.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const Package = z.object({ version: z.string(), devDependencies: z.record(z.string(), z.string()) })
const { version, devDependencies } = Package.parse(JSON.parse(read('package.json')))

const Service = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  restart: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.tuple([z.literal('CMD')], z.string()) }),
  networks: z.array(z.string()),
  volumes: z.array(z.string()),
  ports: z.array(z.unknown()).optional(),
  network_mode: z.string().optional(),
})
const Compose = z.object({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() }).nullable()),
  volumes: z.record(z.string(), z.unknown()),
})
const composeText = read('docker-compose.yml')
const compose = Compose.parse(parse(composeText))
const { parley, ...stores } = compose.services

describe('docker-compose.yml', () => {
  it('has Parley, PostgreSQL with pgvector and Valkey', () => {
    expect(Object.keys(compose.services)).toEqual(['parley', 'postgres', 'valkey'])
    expect(compose.services.postgres?.image).toMatch(/^pgvector\/pgvector:/)
    expect(compose.services.valkey?.image).toMatch(/^valkey\/valkey:/)
  })

  it.each(Object.entries(compose.services))('%s has a pinned image, a health check and comes back', (_, service) => {
    expect(service.image).toMatch(/^[\w./-]+:\d[\w.-]+$/)
    expect(service.healthcheck.test.length).toBeGreaterThan(1)
    expect(service.restart).toBe('unless-stopped')
  })

  it('builds this version from a Dockerfile that is there', () => {
    expect(parley?.image).toBe(`parley:${version}`)
    expect(existsSync(join(root, parley?.build?.context ?? '', parley?.build?.dockerfile ?? ''))).toBe(true)
  })

  it('sets only what Parley reads, in values that it takes', () => {
    expect(Object.keys(parley?.environment ?? {}).filter((name) => !(name in Environment.shape))).toEqual([])
    const values = Object.entries(parley?.environment ?? {}).map(([name, text]) => [name, interpolate(text)])
    const set = Object.fromEntries(values.filter(([, text]) => text !== ''))
    expect(Environment.parse(set)).toMatchObject({
      HOST: '127.0.0.1',
      DATABASE_URL: 'postgres://parley:secret@postgres:5432/parley',
      REDIS_URL: 'redis://valkey:6379',
    })
  })

  it('holds no secret: each comes from .env, and the database has no default one', () => {
    for (const name of ['POSTGRES_PASSWORD', 'OPENAI_API_KEY', 'PARLEY_SECRET', 'DISCORD_TOKEN', 'SLACK_BOT_TOKEN']) {
      expect(composeText).not.toMatch(new RegExp(`^\\s*${name}: (?!\\$\\{${name}:)`, 'm'))
    }
    expect(composeText).toContain('${POSTGRES_PASSWORD:?')
    expect(composeText).not.toContain('${POSTGRES_PASSWORD:-')
  })

  it('publishes no port, and keeps the databases on a network without a way out', () => {
    for (const service of Object.values(compose.services))
      expect([service.ports, service.network_mode]).toEqual([undefined, undefined])
    expect(compose.networks.inside).toEqual({ internal: true })
    for (const service of Object.values(stores)) expect(service.networks).toEqual(['inside'])
  })

  it('starts Parley when its databases are well', () => {
    expect(Object.keys(parley?.depends_on ?? {}).toSorted()).toEqual(Object.keys(stores).toSorted())
    for (const { condition } of Object.values(parley?.depends_on ?? {})) expect(condition).toBe('service_healthy')
  })

  it('keeps every kind of data in a named volume', () => {
    for (const [name, { volumes }] of Object.entries(compose.services)) {
      const named = volumes.map((volume) => volume.split(':')[0] ?? '')
      expect(
        named.filter((volume) => volume in compose.volumes),
        name,
      ).toEqual(named)
    }
  })

  it('names networks that it defines', () => {
    const named = Object.values(compose.services).flatMap(({ networks }) => networks)
    expect(new Set(named)).toEqual(new Set(Object.keys(compose.networks)))
  })
})

/** As compose does it, with a password in `.env` and nothing else. */
function interpolate(text: string): string {
  return text.replaceAll(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name: string, kind: string, rest: string) =>
    name === 'POSTGRES_PASSWORD' ? 'secret' : kind === '-' ? rest : '',
  )
}

interface Instruction {
  name: string
  rest: string
}

/** Instructions in order; lines that end in a backslash go on. */
const dockerfile: Instruction[] = read('deploy/Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', '')
  .split('\n')
  .flatMap((line) => {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line)
    return match ? [{ name: match[1] ?? '', rest: match[2] ?? '' }] : []
  })
const stages = dockerfile.flatMap(({ name }, at) => (name === 'FROM' ? [at] : []))
const runtime = dockerfile.slice(stages.at(-1))
const only = (name: string) => runtime.filter((instruction) => instruction.name === name).map(({ rest }) => rest)
const ignored = read('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

describe('deploy/Dockerfile', () => {
  it("runs on the major version of Node that the project's own toolchain has", () => {
    const major = /\d+/.exec(devDependencies.node ?? '')?.[0]
    const images = dockerfile.filter(({ name }) => name === 'FROM').map(({ rest }) => rest.split(' ')[0])
    expect(images).toEqual([`node:${major}-bookworm-slim`, `node:${major}-bookworm-slim`])
  })

  it('copies what is there, and nothing that is left out of its context', () => {
    const sources = dockerfile
      .filter(({ name }) => name === 'COPY')
      .flatMap(({ rest }) =>
        rest
          .split(' ')
          .filter((word) => !word.startsWith('--'))
          .slice(0, -1),
      )
      .map((path) => path.replace(/^\/app\//, ''))
    expect(sources).toContain('workers')
    expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([])
    expect(sources.filter((path) => path !== 'node_modules' && ignored.includes(path))).toEqual([])
  })

  it('takes along every folder that a running Parley reads', () => {
    const copied = only('COPY').map((rest) =>
      rest
        .split(' ')
        .at(-2)
        ?.replace(/^\/app\//, ''),
    )
    expect(copied).toEqual([
      'package.json',
      'node_modules',
      'prisma/migrations',
      'prisma/functions',
      'src',
      'workers',
      'adapters',
    ])
  })

  it('makes at its build what a user without rights could not make at the start', async () => {
    const made = dockerfile.flatMap(({ name, rest }) => (name === 'RUN' ? [rest] : [])).join(' && ')
    for (const [, module = ''] of made.matchAll(/(?:node |import\('\.\/)([\w/-]+\.ts)/g)) {
      expect(existsSync(join(root, module)), module).toBe(true)
    }
    expect(made).toContain('node scripts/prepare.ts')
    expect(made).toContain("import('./src/store/postgres/placement.ts').then((postgres) => postgres.findBinaries())")
    expect(Object.keys(await import('../src/store/postgres/placement.ts'))).toContain('findBinaries')
  })

  it('does not run as root, keeps its data in a volume that its user owns, and says how it is', () => {
    expect(only('USER')).toEqual(['node'])
    expect(only('VOLUME')).toEqual(['/data'])
    expect(only('ENV').join(' ')).toContain('PARLEY_HOME=/data')
    expect(only('RUN').join(' ')).toContain('chown node:node /data')
    expect(only('HEALTHCHECK').join(' ')).toContain('/healthz')
    const order = runtime.map(({ name }) => name)
    expect(order.lastIndexOf('RUN')).toBeLessThan(order.indexOf('USER'))
  })

  it('starts Parley itself, without npm, the preparation or a shell between it and the signals', () => {
    expect(only('CMD')).toEqual(['["node", "src/main.ts"]'])
    expect(only('ENTRYPOINT')).toEqual([])
  })

  it('leaves out of its context what holds secrets or would go stale', () => {
    expect(ignored).toEqual(
      expect.arrayContaining(['.env', 'parley.yaml', '.parley', '.git', '**/node_modules', '**/dist', '**/generated']),
    )
  })
})
