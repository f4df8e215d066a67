/** The pages for people name what is there: links, scripts, settings. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Environment } from '../src/config/environment.ts'
import { mountable } from '../src/config/variables.ts'

const root = join(import.meta.dirname, '..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).map((file) => ({
  file: file.replaceAll('\\', '/'),
  text: readFileSync(join(root, file), 'utf8'),
}))
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))

/** Variables of other programs, of the shell or of the files for proxies, that the pages name. */
const foreign = [
  'PARLEY_DOMAIN',
  'PARLEY_CERTIFICATE',
  'NODE_ENV',
  'NO_COLOR',
  'PROPERTY_SEED',
  'PATH',
  'PWD',
  'TMPDIR',
  'POSTGRES_PASSWORD',
  // Names that an admin chooses for client secrets.
  'ENTRA_SECRET',
  'GOOGLE_SECRET',
  'KEYCLOAK_SECRET',
  'GITHUB_SECRET',
]

/** Pictures of the page are taken by a browser, which not every machine has: they have a test of their own. */
const picture = /\.png$/
const pictures = pages.flatMap(({ file, text }) =>
  [...text.matchAll(/!\[[^\]]+\]\(([^)\s]+\.png)\)/g)].map((match) => join(dirname(file), match[1] ?? '')),
)
const taken = pictures.every((path) => existsSync(join(root, path)))

describe.each(pages)('$file', ({ file, text }) => {
  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] ?? '')
    const missing = links.filter((link) => !existsSync(join(root, dirname(file), link)))
    expect(missing.filter((link) => !picture.test(link))).toEqual([])
  })

  it('names scripts that package.json has', () => {
    const named = [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map((match) => match[1] ?? '')
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  it('names settings that Parley reads', () => {
    const named = [...text.matchAll(/\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b/g)].map((match) => match[1] ?? '')
    const assigned = [...text.matchAll(/`([A-Z]+)=/g)].map((match) => match[1] ?? '')
    const files = mountable.map((name) => `${name}_FILE`)
    const known = new Set([...Object.keys(Environment.shape), ...files, ...foreign])
    expect([...new Set([...named, ...assigned])].filter((name) => !known.has(name))).toEqual([])
  })
})

it.skipIf(!taken)(`pictures are there${taken ? '' : ' (skipped: not taken yet)'}`, () => {
  for (const path of pictures) expect(readFileSync(join(root, path)).subarray(1, 4).toString(), path).toBe('PNG')
})

it('there are pages to look at', () => {
  expect(pages.length).toBeGreaterThan(15)
})
