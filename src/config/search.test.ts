/** The search engine in parley.yaml and the environment: what is taken, and every mistake by its name. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../config.ts'
import { usd } from '../core/money.ts'

function read(yaml: string, env: Record<string, string> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'parley-config-'))
  writeFileSync(join(cwd, 'parley.yaml'), yaml)
  return readConfig({ env, cwd })
}

describe('the search engine', () => {
  it('is none unless something is set', () => {
    expect(read('').search).toBeUndefined()
  })

  it('is the one whose key is set, at its published price; the key is in no log', () => {
    const config = read('', { TAVILY_API_KEY: 'tvly-1' })
    expect(config.search).toMatchObject({ provider: 'tavily', apiKey: 'tvly-1', pricePerSearch: usd('0.008') })
    expect(config.secrets).toContain('tvly-1')
    expect(read('search: {pricePerThousand: 3}', { BRAVE_API_KEY: 'b' }).search).toMatchObject({
      provider: 'brave',
      pricePerSearch: usd('0.003'),
    })
  })

  it('reads its key from a file', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'parley-key-')), 'key')
    writeFileSync(path, 'secret-key\n')
    expect(read('', { BRAVE_API_KEY_FILE: path }).search).toMatchObject({ apiKey: 'secret-key' })
  })

  it('is SearXNG without a price, or any endpoint with its headers filled in', () => {
    expect(read('search: {provider: searxng, url: "http://localhost:8080"}').search).toEqual({
      provider: 'searxng',
      url: 'http://localhost:8080',
      pricePerSearch: 0n,
    })
    const yaml =
      'search: {provider: endpoint, url: "https://s.example/?q={query}", headers: {x-key: "$\u007bFIND_KEY}"}, pricePerThousand: 1}'
    const config = read(yaml, { FIND_KEY: 'find-me' })
    expect(config.search).toMatchObject({ headers: { 'x-key': 'find-me' }, results: '', fields: { url: 'url' } })
    expect(config.secrets).toContain('find-me')
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['search: {url: "http://localhost:8080"}', {}, /set search\.provider/],
    ['search: {provider: searxng}', {}, /searxng needs its address/],
    ['search: {provider: brave}', {}, /BRAVE_API_KEY or BRAVE_API_KEY_FILE/],
    ['', { BRAVE_API_KEY: 'a', TAVILY_API_KEY: 'b' }, /both set/],
    ['search: {provider: endpoint, url: "https://s.example/", pricePerThousand: 0}', {}, /\{query\}/],
    ['search: {provider: endpoint, url: "https://s.example/?q={query}"}', {}, /pricePerThousand/],
    [
      'search: {provider: searxng, url: "http://a.example", results: data}',
      {},
      /search\.results is for provider endpoint/,
    ],
    ['search: {provider: google}', {}, /search\.provider must be searxng, brave, tavily or endpoint/],
    [
      'search: {provider: endpoint, url: "https://s.example/?q={query}", headers: {x: "$\u007bNOT_SET}"}, pricePerThousand: 0}',
      {},
      /NOT_SET, which is not set/,
    ],
    ['', { BRAVE_API_KEY_FILE: '/nowhere/key' }, /BRAVE_API_KEY_FILE names a file/],
    ['', { BRAVE_API_KEY: 'a', BRAVE_API_KEY_FILE: '/nowhere/key' }, /Set one of them/],
  ])('names the mistake: %s', (yaml, env, sentence) => {
    expect(() => read(yaml, env)).toThrow(
      expect.objectContaining({ code: 'config_invalid', userMessage: expect.stringMatching(sentence) }),
    )
  })
})
