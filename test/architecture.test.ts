/** One direction of imports: the table says which folder may import what, and the test that nothing else does. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

interface Layer {
  /** Which files, by their path from the root. */
  files: RegExp
  /** Which files of the project they may import. */
  may: RegExp[]
  /** Which packages; `node:` modules are allowed to all but the core, where only their types are. */
  packages: RegExp[]
}

/** Plain types and ports, and the sentences that people read: everything may use them. */
const core = /^src\/(?:core|wording)\//

/** The ports and pure functions of a stage: everything in it that is no implementation on an SDK. */
function openPartOf(...names: string[]): RegExp {
  return new RegExp(
    String.raw`^src/(?:${names.join('|')})/(?!providers/|postgres/|generated/|bullmq|channel-|database|.*-postgres|create-reader)[^/]+\.ts$`,
  )
}

/**
 * The stages of a message's way, and which others each may import. A row that is not here is a question to ask first: which of
 * the two should know of the other? There is no circle, but for what `mutual` explains.
 */
const stages = {
  queue: [],
  media: [],
  /** Words, passages and who may see them: knows nothing of chats or models. */
  search: [],
  /** `search`: quoting without a model compares words as the search does. */
  models: ['search'],
  /** Types of rows, and the channel that tells other processes of a change. */
  store: ['queue', 'routing'],
  /** `media` and `search` have the ports of transcribers and search engines, which cost money. */
  routing: ['models', 'media', 'queue', 'search', 'store'],
  prompt: ['models', 'search', 'store'],
  /** `prompt`: what a model was given is what the receipt describes. */
  reply: ['prompt', 'search', 'store'],
  intake: ['queue', 'routing', 'store'],
  /** What models may ask for while they answer: searches, pages, calculations, other people's servers. */
  tools: ['models', 'search', 'web'],
  /** The story that puts them together. Nothing but workers and the composition root imports it. */
  answer: ['models', 'prompt', 'reply', 'routing', 'search', 'store', 'tools', 'web'],
} as const satisfies Record<string, readonly string[]>

/** `store/ledger.ts` has the types of `routing/budget.ts`, the port that it serves; routing reads the types of its rows. */
const mutual = ['routing store']

const allStages = openPartOf(...Object.keys(stages))
/** What commands and operations look at; the story of an answer is none of their business. */
const parts = openPartOf('identity', ...Object.keys(stages).filter((name) => name !== 'answer'))

function stage(name: keyof typeof stages): Layer {
  const others = stages[name]
  return {
    files: new RegExp(`^src/${name}/`),
    may: [core, openPartOf(name), ...(others.length === 0 ? [] : [openPartOf(...others)])],
    packages: [/^zod$/],
  }
}

/** A platform knows the core, itself and its own SDK; where it has a protocol of its own it checks it with zod. */
function adapter(name: string, ...sdk: RegExp[]): Layer {
  const own = new RegExp(`^adapters/${name}/`)
  return { files: own, may: [core, own], packages: [/^zod$/, ...sdk] }
}

/** The first row that fits a file holds for it. */
const layers: Record<string, Layer> = {
  'Markdown of the core': {
    files: /^src\/core\/markdown\//,
    may: [core],
    packages: [/^mdast$/, /^mdast-util-/, /^micromark-extension-/],
  },
  // No page imports it: it reads the tokens from a file.
  'table of tokens': { files: /^src\/core\/text\/token-table\.ts$/, may: [], packages: [] },
  'text of the core': { files: /^src\/core\/text\//, may: [core], packages: [/^gpt-tokenizer/] },
  // The one place of the core that Node's own modules are loaded in: no page imports it.
  events: { files: /^src\/core\/events\.ts$/, may: [core], packages: [] },
  // The port of HTTP is typed by the router's context.
  'HTTP of the core': { files: /^src\/core\/http\.ts$/, may: [core], packages: [/^hono$/] },
  wording: { files: /^src\/wording\//, may: [core], packages: [] },
  core: { files: /^src\/core\//, may: [core], packages: [/^zod$/] },
  'queue on BullMQ': {
    files: /^src\/queue\/(?:bullmq|channel-relay)/,
    may: [core, /^src\/queue\//],
    packages: [/^bullmq$/, /^ioredis$/, /^pg$/, /^zod$/],
  },
  blobs: { files: /^src\/blobs\//, may: [core, /^src\/blobs\//], packages: [/^zod$/] },
  'media providers': {
    files: /^src\/media\/(?:providers\/|child|reader-process)/,
    may: [core, /^src\/media\//],
    packages: [/./],
  },
  media: {
    files: /^src\/media\//,
    may: [core, /^src\/media\//, /^src\/blobs\/disk\.ts$/],
    packages: [/^file-type/, /^jschardet$/, /^iconv-lite$/, /^zod$/],
  },
  'search providers': {
    files: /^src\/search\/providers\//,
    may: [core, /^src\/search\//],
    packages: [/^pg$/, /^zod$/],
  },
  'model providers': {
    files: /^src\/models\/providers\//,
    may: [core, /^src\/models\//, openPartOf('search')],
    packages: [/./],
  },
  // The ledger implements what routing spends through.
  store: {
    files: /^src\/store\//,
    may: [
      core,
      /^src\/store\//,
      /^src\/routing\/budget\.ts$/,
      /^src\/queue\/channel\.ts$/,
      /^src\/identity\/[^/]+\.ts$/,
      /^src\/blobs\//,
      /^src\/version\.ts$/,
    ],
    packages: [/^pg$/, /^@prisma\//, /^zod$/],
  },
  // Pages of the web: fetched through the guard, read as files are, stored beside them.
  web: {
    files: /^src\/web\//,
    may: [
      core,
      /^src\/web\//,
      openPartOf('media', 'search', 'store', 'routing'),
      /^src\/egress\/(?:egress|guard)\.ts$/,
    ],
    packages: [/^zod$/, /^robots-parser$/],
  },
  // What is due to programs outside, by the rows of the store and through the egress guard.
  webhooks: {
    files: /^src\/webhooks\//,
    may: [core, /^src\/webhooks\//, openPartOf('store'), /^src\/egress\/send\.ts$/],
    packages: [/^zod$/],
  },
  egress: { files: /^src\/egress\//, may: [core], packages: [] },
  'identity providers': {
    files: /^src\/identity\/providers\//,
    may: [core, /^src\/identity\//],
    packages: [/^jose$/, /^nodemailer$/, /^openid-client$/, /^zod$/],
  },
  identity: { files: /^src\/identity\//, may: [core, /^src\/identity\//], packages: [/^zod$/, /^@zxcvbn-ts\//] },
  ops: {
    files: /^src\/ops\//,
    may: [core, parts, /^src\/ops\//],
    packages: [/^pino/, /^zod$/, /^hono$/, /^@hono\/node-server/],
  },
  'admin providers': {
    files: /^src\/admin\/providers\//,
    may: [core, /^src\/admin\//],
    packages: [/^opentype\.js$/, /^sharp$/],
  },
  admin: { files: /^src\/admin\//, may: [core, parts, /^src\/admin\//], packages: [/^zod$/] },
  'tools of servers': {
    files: /^src\/tools\/mcp\//,
    may: [core, /^src\/tools\//, openPartOf('models')],
    packages: [/^zod$/, /^@modelcontextprotocol\/client$/],
  },
  queue: stage('queue'),
  search: stage('search'),
  models: stage('models'),
  routing: stage('routing'),
  prompt: stage('prompt'),
  reply: stage('reply'),
  intake: stage('intake'),
  tools: stage('tools'),
  answer: stage('answer'),
  config: {
    files: /^src\/config(?:\.ts$|\/)/,
    may: [
      core,
      /^src\/config\//,
      /^src\/media\/limits\.ts$/,
      /^src\/models\/(?:catalogue|price)\.ts$/,
      /^src\/identity\/(?:provider|mailer)\.ts$/,
      /^src\/ops\/client-address\.ts$/,
    ],
    packages: [/^zod$/, /^yaml$/],
  },
  workers: { files: /^workers\//, may: [core, allStages, openPartOf('web'), /^workers\//], packages: [/^zod$/] },
  'the page': {
    files: /^adapters\/console\/page\//,
    may: [core, /^adapters\/console\/(?:api|account-api|paths)\.ts$/, /^adapters\/console\/page\//],
    packages: [/./],
  },
  /** With its routes for accounts. */
  console: { ...adapter('console'), may: [core, /^adapters\/console\//, openPartOf('identity')] },
  discord: adapter('discord', /^discord\.js$/, /^@discordjs\/ws$/),
  'OpenAI-compatible endpoint': adapter('api'),
  slack: adapter('slack', /^@slack\/bolt$/),
  teams: adapter('teams', /^@microsoft\/teams\.apps$/, /^sharp$/, /^htmlparser2$/),
  'command line': {
    files: /^src\/(?:cli\.ts|cli\/)/,
    may: [core, /^src\//, /^adapters\/console\/api\.ts$/, /^adapters\/\w+\/(?:replay|setup)\.ts$/],
    packages: [/^commander$/],
  },
  'composition root': { files: /^src\/(?:(?:app|main|version)\.ts$|app\/)/, may: [/./], packages: [/./] },
}

const files = ['src/**/*.ts', 'adapters/**/*.ts', 'adapters/**/*.tsx', 'workers/**/*.ts']
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .map((file) => file.replaceAll('\\', '/'))
  .filter(
    (file) =>
      !/generated\/|\/dist\/|\.(?:test|contract|contract\.\w+|crashes|child)\.tsx?$|\.crashes\.child\.ts$/.test(file),
  )

interface Import {
  to: string
  typeOnly: boolean
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  )
  return [...found].map((match) => ({ typeOnly: match[1] !== undefined, to: match[2] ?? match[3] ?? match[4] ?? '' }))
}

function layerOf(file: string): [string, Layer] {
  const row = Object.entries(layers).find(([, layer]) => layer.files.test(file))
  if (row === undefined) throw new Error(`${file} belongs to no layer: give it one in the table`)
  return row
}

function offences(file: string): string[] {
  const [name, layer] = layerOf(file)
  return importsOf(file).flatMap(({ to, typeOnly }) => {
    if (to.startsWith('.')) {
      const target = relative(root, join(root, dirname(file), to)).replaceAll('\\', '/')
      const own = dirname(target) === dirname(file)
      if (/\.(?:css|svg)$/.test(target) || own || layer.may.some((allowed) => allowed.test(target))) return []
      return [`${file} (${name}) imports ${target}`]
    }
    if (to.startsWith('node:'))
      return /core$/.test(name) && !typeOnly ? [`${file} (core) imports ${to} at run time`] : []
    return layer.packages.some((allowed) => allowed.test(to)) ? [] : [`${file} (${name}) imports the package ${to}`]
  })
}

describe('the architecture', () => {
  it('sees the files', () => {
    expect(files.length).toBeGreaterThan(80)
    const imports = files.flatMap(importsOf)
    expect(imports.length).toBeGreaterThan(files.length * 2)
    for (const [name, layer] of Object.entries(layers))
      expect(
        files.filter((file) => layer.files.test(file)),
        name,
      ).not.toEqual([])
  })

  it('imports in one direction', () => {
    expect(files.flatMap(offences)).toEqual([])
  })

  it('has no circle between stages, and no row that nothing uses', () => {
    const names = Object.keys(stages) as (keyof typeof stages)[]
    const reach = (from: string, seen = new Set<string>()): Set<string> => {
      for (const to of names.includes(from as never) ? stages[from as keyof typeof stages] : []) {
        if (seen.has(to) || mutual.includes([from, to].toSorted().join(' '))) continue
        seen.add(to)
        reach(to, seen)
      }
      return seen
    }
    expect(names.filter((name) => reach(name).has(name))).toEqual([])
    const used = new Set(
      files.flatMap((file) =>
        importsOf(file).map(({ to }) => {
          const target = to.startsWith('.') ? join(dirname(file), to).replaceAll('\\', '/') : ''
          return `${file.split('/')[1]} ${target.split('/')[1]}`
        }),
      ),
    )
    const unused = names.flatMap((from) => stages[from].map((to) => `${from} ${to}`).filter((way) => !used.has(way)))
    expect(unused).toEqual([])
  })

  it('lets the composition root alone be imported by the ways in', () => {
    const importers = files.filter((file) =>
      importsOf(file).some(({ to }) => /\/app\.ts$/.test(to) && to.startsWith('.')),
    )
    expect(importers.filter((file) => !/^src\/(?:main|cli|cli\/\w+)\.ts$/.test(file))).toEqual([])
  })

  it('no adapter imports another', () => {
    const strangers = files
      .filter((file) => file.startsWith('adapters/'))
      .flatMap((file) => {
        const own = file.split('/')[1]
        return importsOf(file).flatMap(({ to }) => {
          const target = relative(root, join(root, dirname(file), to)).replaceAll('\\', '/')
          return to.startsWith('.') && target.startsWith('adapters/') && target.split('/')[1] !== own
            ? [`${file} → ${target}`]
            : []
        })
      })
    expect(strangers).toEqual([])
  })

  it('measures durations with the monotonic clock', () => {
    // Timestamps for others: of rows and records, of platforms' signatures and headers, of jobs, of files on disk.
    const timestamps =
      /^(?:src\/core\/(?:clock|connection|retry-after)|src\/tools\/mcp\/connection|src\/identity\/providers\/(?:access-tokens|examine)|src\/ops\/(?:doctor|access)|src\/blobs\/blobs|src\/queue\/bullmq(?:-worker)?|src\/models\/catalogue|adapters\/(?:teams\/(?:api|files|listener|consent|capture|post-keys|transport)|api\/(?:answering|listener|responses)|discord\/(?:transport|refusals|typing|session-limit|missed|sessions)|slack\/(?:ingress|people|setup|replay|normalize|post-keys|recent|rotation|streams|transport)|console\/page\/(?:parts\/sidebar|lib\/(?:live|format))))\.tsx?$/
    const wall = files.filter((file) => /\bDate\.now\b/.test(readFileSync(join(root, file), 'utf8')))
    expect(wall.filter((file) => !timestamps.test(file))).toEqual([])
  })
})
