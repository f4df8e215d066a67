import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'

const tenant = '11111111-2222-3333-4444-555555555555'

function read(provider: string, env: NodeJS.ProcessEnv = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'parley-config-'))
  writeFileSync(join(cwd, 'parley.yaml'), `signIn:\n  providers:\n    - { id: work, clientId: me, ${provider} }\n`)
  return readConfig({ cwd, env: { SECRET: 'a-client-secret', ...env } })
}

function problemsOf(provider: string, env?: NodeJS.ProcessEnv): string[] {
  try {
    read(provider, env)
    return []
  } catch (thrown) {
    if (!(thrown instanceof ParleyError)) throw thrown
    return thrown.userMessage.split('\n').slice(1)
  }
}

describe('a sign-in provider in parley.yaml', () => {
  it.each([
    ['kind: oidc, issuer: https://id.example.com', 'https://id.example.com', 'OpenID Connect'],
    [
      `kind: entra, tenant: ${tenant}, clientSecretVariable: SECRET`,
      `https://login.microsoftonline.com/${tenant}/v2.0`,
      'Microsoft',
    ],
    ['kind: google, clientSecretVariable: SECRET', 'https://accounts.google.com', 'Google'],
    ['kind: okta, domain: example.okta.com, clientSecretVariable: SECRET', 'https://example.okta.com', 'Okta'],
    ['kind: gitlab, clientSecretVariable: SECRET', 'https://gitlab.com', 'GitLab'],
    ['kind: github, clientSecretVariable: SECRET', 'https://github.com', 'GitHub'],
    ['kind: slack, clientSecretVariable: SECRET', 'https://slack.com', 'Slack'],
    ['kind: discord, clientSecretVariable: SECRET', 'https://discord.com', 'Discord'],
  ])('is completed by its kind: %s', (provider, issuer, label) => {
    expect(read(provider).signIn.providers[0]).toMatchObject({ issuer, label })
  })

  it('keeps its secret out of logs', () => {
    expect(read('kind: github, clientSecretVariable: SECRET').secrets).toContain('a-client-secret')
  })

  it('maps groups to roles, and to teams with a role', () => {
    const [provider] = read(
      'kind: oidc, issuer: https://id.example.com, roles: { bosses: admin }, teams: { help: "Support:manager", all: Everyone }',
    ).signIn.providers
    expect(provider).toMatchObject({
      roles: { bosses: 'admin' },
      teams: { help: { team: 'Support', role: 'manager' }, all: { team: 'Everyone', role: 'member' } },
    })
  })

  it('asks GitHub and Discord for groups only where they decide something', () => {
    expect(read('kind: github, clientSecretVariable: SECRET').signIn.providers[0]?.scopes).not.toContain('read:org')
    const allowed = read('kind: github, clientSecretVariable: SECRET, allow: { groups: [acme] }')
    expect(allowed.signIn.providers[0]?.scopes).toContain('read:org')
  })

  it('may be http on this machine, nowhere else', () => {
    expect(problemsOf('kind: oidc, issuer: "http://127.0.0.1:8080/realms/x"')).toEqual([])
    expect(problemsOf('kind: oidc, issuer: "http://id.example.com"')[0]).toMatch(
      /providers\.0\.issuer must be an https/,
    )
  })

  it.each([
    ['kind: oidc', 'work: issuer is missing'],
    ['kind: okta, clientSecretVariable: SECRET', 'work: issuer or domain is missing'],
    ['kind: github', 'work: clientSecretVariable is missing'],
    ['kind: github, clientSecretVariable: OTHER', 'reads the client secret from OTHER'],
    ['kind: github, clientSecretVariable: SECRET, tenant: T1', 'work: tenant is not a setting of kind github'],
    ['kind: oidc, issuer: https://id.example.com, scopes: [email]', 'work: scopes must include openid'],
    ['kind: entra, tenant: common, clientSecretVariable: SECRET', 'accepts every organization'],
    ['kind: entra, tenant: contoso.com, clientSecretVariable: SECRET', 'must be the Directory (tenant) ID'],
    [
      `kind: entra, tenant: ${tenant}, tenants: [${tenant}], clientSecretVariable: SECRET`,
      'work: tenants has no effect',
    ],
    ['kind: slack, tenant: acme, clientSecretVariable: SECRET', 'ID of a Slack workspace'],
    ['kind: google, clientSecretVariable: SECRET, allow: { everyone: true }', 'would let anyone in'],
    ['kind: google, clientSecretVariable: SECRET, trustEmail: true', 'only with an issuer of one organization'],
    ['kind: github, clientSecretVariable: SECRET, trustEmail: true', 'only with an issuer of one organization'],
    [
      'kind: oidc, issuer: https://id.example.com, roles: { a: owner }',
      'providers.0.roles.a must be admin, viewer, member or guest',
    ],
    ['kind: oidc, issuer: https://id.example.com, allow: { domains: ["@x"] }', 'allow.domains.0 must be a domain'],
    ['kind: oidc, issuer: https://id.example.com, secret: x', 'signIn.providers.0.secret is not a setting'],
  ])('is refused at start with the field: %s', (provider, sentence) => {
    expect(problemsOf(provider).join('\n')).toContain(sentence)
  })

  it('needs PUBLIC_URL where others reach Parley', () => {
    const provider = 'kind: github, clientSecretVariable: SECRET'
    expect(problemsOf(provider, { HOST: '0.0.0.0' }).join()).toContain('PUBLIC_URL is not set')
    expect(problemsOf(provider, { HOST: '0.0.0.0', PUBLIC_URL: 'https://p.example.com' })).toEqual([])
    expect(problemsOf(provider)).toEqual([])
  })

  it('shares an id with no other', () => {
    const cwd = mkdtempSync(join(tmpdir(), 'parley-config-'))
    const one = '{ id: work, kind: oidc, issuer: "https://id.example.com", clientId: me }'
    writeFileSync(join(cwd, 'parley.yaml'), `signIn: { providers: [${one}, ${one}] }`)
    expect(() => readConfig({ cwd, env: {} })).toThrow('id is used twice')
  })
})

describe('admins in parley.yaml', () => {
  it.each([
    ['slack/T1/U1', true],
    ['console/local/0a0a', true],
    ['oidc:https://id.example.com/realms/x#00u1', true],
    ['email:ada@example.com', true],
    ['email:ada', false],
    ['oidc:x#y', false],
    ['ada', false],
  ])('may be %s: %s', (admin, fine) => {
    const cwd = mkdtempSync(join(tmpdir(), 'parley-config-'))
    writeFileSync(join(cwd, 'parley.yaml'), `admins: ['${admin}']`)
    const reading = () => readConfig({ cwd, env: {} })
    if (fine) expect(reading().admins).toEqual([admin])
    else expect(reading).toThrow('must be platform/workspace/user')
  })
})

describe('docs/sign-in.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/sign-in.md'), 'utf8')
  const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '')

  it.each(examples)('shows settings that Parley takes', (example) => {
    const cwd = mkdtempSync(join(tmpdir(), 'parley-config-'))
    writeFileSync(join(cwd, 'parley.yaml'), example)
    const variables = [...example.matchAll(/clientSecretVariable: (\w+)/g)].map((match) => [match[1], 'a secret'])
    expect(readConfig({ cwd, env: Object.fromEntries(variables) }).signIn.providers).toHaveLength(1)
  })
})
