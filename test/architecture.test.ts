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

const core = /^src\/core\//
/** A stage's ports and pure functions: whatever of it is no implementation on an SDK. */
const stages =
  /^src\/(?:intake|queue|media|search|models|routing|prompt|reply|store)\/(?!providers\/|postgres\/|generated\/|bullmq|channel-|database|.*-postgres|create-reader)[^/]+\.ts$/

/** A platform knows the core, itself and its own SDK; where it has a protocol of its own it checks it with zod. */
function adapter(name: string, ...sdk: RegExp[]): Layer {
  const own = new RegExp(`^adapters/${name}/`)
  return { files: own, may: [core, own], packages: [/^zod$/, ...sdk] }
}

/** The first row that fits a file is its law. */
const layers: Record<string, Layer> = {
  'Markdown of the core': {
    files: /^src\/core\/markdown\//,
    may: [core],
    packages: [/^mdast$/, /^mdast-util-/, /^micromark-extension-/],
  },
  core: { files: /^src\/core\//, may: [core], packages: [/^zod$/] },
  'queue on BullMQ': {
    files: /^src\/queue\/(?:bullmq|channel-|subscribers|trouble)/,
    may: [core, /^src\/queue\//],
    packages: [/^bullmq$/, /^ioredis$/, /^pg$/, /^zod$/],
  },
  blobs: { files: /^src\/blobs\//, may: [core, /^src\/blobs\//], packages: [/^zod$/] },
  'media providers': {
    files: /^src\/media\/(?:providers\/|child|reader-process)/,
    may: [core, /^src\/media\//],
    packages: [/./],
  },
  media: { files: /^src\/media\//, may: [core, /^src\/media\//], packages: [/^file-type/, /^zod$/] },
  'search providers': {
    files: /^src\/search\/providers\//,
    may: [core, /^src\/search\//],
    packages: [/^pg$/, /^zod$/],
  },
  'model providers': { files: /^src\/models\/providers\//, may: [core, stages, /^src\/models\//], packages: [/./] },
  // The ledger implements what routing spends through.
  store: {
    files: /^src\/store\//,
    may: [
      core,
      /^src\/store\//,
      /^src\/routing\/budget\.ts$/,
      /^src\/queue\/channel\.ts$/,
      /^src\/blobs\//,
      /^src\/version\.ts$/,
    ],
    packages: [/^pg$/, /^@prisma\//, /^zod$/],
  },
  ops: { files: /^src\/ops\//, may: [core, stages, /^src\/ops\//], packages: [/^pino/, /^zod$/] },
  'admin providers': {
    files: /^src\/admin\/providers\//,
    may: [core, /^src\/admin\//],
    packages: [/^opentype\.js$/, /^sharp$/],
  },
  admin: { files: /^src\/admin\//, may: [core, stages, /^src\/admin\//], packages: [/^zod$/] },
  stages: {
    files: /^src\/(?:intake|queue|search|models|routing|prompt|reply)\//,
    may: [core, stages],
    packages: [/^zod$/],
  },
  config: {
    files: /^src\/config(?:\.ts$|\/)/,
    may: [core, /^src\/config\//, /^src\/media\/limits\.ts$/, /^src\/models\/(?:catalogue|stated-price)\.ts$/],
    packages: [/^zod$/, /^yaml$/],
  },
  workers: { files: /^workers\//, may: [core, stages, /^workers\//], packages: [/^zod$/] },
  'the page': {
    files: /^adapters\/console\/page\//,
    may: [core, /^adapters\/console\/api\.ts$/, /^adapters\/console\/page\//],
    packages: [/./],
  },
  console: adapter('console', /^hono/, /^@hono\//),
  discord: adapter('discord', /^discord\.js$/, /^@discordjs\/ws$/),
  'OpenAI-compatible endpoint': adapter('api'),
  slack: adapter('slack', /^@slack\/bolt$/),
  teams: adapter('teams', /^@microsoft\/teams\.apps$/, /^sharp$/),
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

function lawOf(file: string): [string, Layer] {
  const row = Object.entries(layers).find(([, layer]) => layer.files.test(file))
  if (row === undefined) throw new Error(`${file} belongs to no layer: give it one in the table`)
  return row
}

function offences(file: string): string[] {
  const [name, law] = lawOf(file)
  return importsOf(file).flatMap(({ to, typeOnly }) => {
    if (to.startsWith('.')) {
      const target = relative(root, join(root, dirname(file), to)).replaceAll('\\', '/')
      const own = dirname(target) === dirname(file) && name !== 'stages'
      if (/\.(?:css|svg)$/.test(target) || own || law.may.some((allowed) => allowed.test(target))) return []
      if (name === 'stages' && target.split('/')[1] === file.split('/')[1]) return []
      return [`${file} (${name}) imports ${target}`]
    }
    if (to.startsWith('node:'))
      return /core$/.test(name) && !typeOnly ? [`${file} (core) imports ${to} at run time`] : []
    return law.packages.some((allowed) => allowed.test(to)) ? [] : [`${file} (${name}) imports the package ${to}`]
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
})
