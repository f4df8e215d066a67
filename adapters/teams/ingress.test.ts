/** The endpoint of Teams: which tokens it accepts, and that it rejects all others. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { claimsNow, issuer } from '../../test/servers/teams.ts'
import { createKey, jwks, type SignOptions, signToken } from '../../test/servers/teams-issuer.ts'
import { personalChat } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'

let rig: TeamsRig
let received = 0
const stranger = createKey('a-strangers-key')
/** A foreign key with the ID of the real one. */
const impostor = { ...createKey(), kid: '' }
const variants = 600

beforeAll(async () => {
  rig = await openTeamsRig(memoryRecords(), 'personal')
  impostor.kid = rig.teams.key.kid
  await rig.open(
    fakeIntake({
      async receive() {
        received += 1
        return { turnId: 'f0000000-0000-4000-8000-000000000000', kind: 'new' }
      },
    }),
  )
})
afterAll(() => rig?.close())

const hello = (more: object = {}) => ({ ...rig.people.message({ conversation: personalChat }, 'Hello'), ...more })
const now = () => Math.floor(Date.now() / 1000)

describe('a token', () => {
  it('from Teams is accepted', async () => {
    const before = received
    expect((await rig.teams.deliver(hello())).status).toBe(200)
    expect(received).toBe(before + 1)
  })

  it(`with one or more errors is rejected, in ${variants} variants`, async () => {
    const { teams } = rig
    const before = received
    /** Each makes a good token bad, whatever the others do. */
    const text = fc.string({ minLength: 1, maxLength: 30 })
    const claims: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
      fc.integer({ min: 400, max: 10_000_000 }).map((seconds) => ({ exp: now() - seconds })),
      fc.integer({ min: 400, max: 10_000_000 }).map((seconds) => ({ nbf: now() + seconds })),
      fc.constantFrom({ exp: undefined }, { iss: undefined }, { aud: undefined }, { serviceurl: undefined }),
      fc.constantFrom(
        { exp: String(now() + 3600) },
        { exp: -1 },
        { exp: 1e99 },
        { exp: null },
        { aud: [] },
        { iss: [issuer] },
      ),
      text.map((aud) => ({ aud })),
      fc.uuid().map((aud) => ({ aud })),
      fc.uuid().map((aud) => ({ aud: `api://${aud}` })),
      text.map((iss) => ({ iss })),
      fc
        .constantFrom(
          `${issuer}/`,
          issuer.toUpperCase(),
          'https://sts.windows.net/x/',
          'https://login.microsoftonline.com/x/v2.0',
        )
        .map((iss) => ({ iss, tid: 'x' })),
      fc.webUrl().map((serviceurl) => ({ serviceurl })),
      fc
        .constantFrom(
          `${teams.serviceUrl}x`,
          `${teams.serviceUrl}/v3`,
          teams.origin,
          '',
          'https://smba.trafficmanager.net/teams',
        )
        .map((serviceurl) => ({ serviceurl })),
    )
    const signing: fc.Arbitrary<SignOptions> = fc.oneof(
      fc
        .constantFrom('None', 'none', 'NONE', '')
        .map((alg) => ({ key: teams.key, header: { alg }, how: 'none' as const })),
      fc.constant({ key: teams.key, how: 'none' as const }),
      fc.constant({ key: teams.key, header: { alg: 'HS256' }, how: 'hmac' as const }),
      fc.constant({ key: teams.key, how: 'hmac' as const }),
      fc
        .constantFrom('RS384', 'RS512', 'PS256', 'ES256', 'rs256', 'HS512')
        .map((alg) => ({ key: teams.key, header: { alg } })),
      fc.constant({ key: teams.key, header: { alg: 'RS512' }, how: 'rs512' as const }),
      fc.constant({ key: stranger }),
      fc.constant({ key: impostor }),
      fc.constant({ key: stranger, header: { jku: `${teams.origin}/keys`, jwk: jwks([stranger]).keys[0] } }),
      fc
        .constantFrom({ kid: undefined }, { kid: '../../dev/null' }, { kid: 7 }, { alg: undefined })
        .map((header) => ({ key: teams.key, header })),
      text.map((kid) => ({ key: teams.key, header: { kid } })),
    )
    const good = (more: Record<string, unknown>, how: SignOptions = { key: teams.key }) =>
      signToken({ ...claimsNow(teams.serviceUrl), ...more }, how)
    const flipped = fc.nat({ max: 400 }).map((at) => {
      const token = good({})
      const place = token.length - 340 + (at % 330)
      return `${token.slice(0, place)}${token[place] === 'A' ? 'B' : 'A'}${token.slice(place + 1)}`
    })
    const authorization = fc.oneof(
      { arbitrary: claims.map((more) => `Bearer ${good(more)}`), weight: 5 },
      { arbitrary: signing.map((how) => `Bearer ${good({}, how)}`), weight: 5 },
      { arbitrary: fc.tuple(claims, signing).map(([more, how]) => `Bearer ${good(more, how)}`), weight: 2 },
      { arbitrary: flipped.map((token) => `Bearer ${token}`), weight: 2 },
      fc.constantFrom('', 'Bearer', 'Bearer ', 'Bearer a.b.c', 'Bearer ..', 'Basic dXNlcjpwYXNz'),
      fc.constant(0).map(() => `Basic ${good({})}`),
      fc.constant(0).map(() => `Bearer ${good({})}.x`),
      fc.base64String({ maxLength: 60 }).map((words) => `Bearer ${words}`),
    )
    let refused = 0
    await fc.assert(
      fc.asyncProperty(authorization, async (header) => {
        const { status } = await teams.deliver(hello(), header.replaceAll(/[^\x20-\x7e]/g, '?'))
        expect(status).toBe(401)
        refused += 1
      }),
      { numRuns: variants, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
    )
    expect(refused).toBeGreaterThanOrEqual(500)
    expect(received).toBe(before)
  })

  it('for a service outside Teams is rejected, even if Teams’ own key signed it', async () => {
    const { teams } = rig
    const urls = [
      'https://evil.example.com/teams',
      'https://evil.trafficmanager.net/teams',
      'https://smba.trafficmanager.net.evil.com/',
      'https://smba.trafficmanager.net@evil.com/',
      'http://smba.trafficmanager.net/teams',
      'https://smba.trafficmanager.net:8443/teams',
      'https://botframework.com.evil.com/',
      'http://169.254.169.254/latest',
      'http://localhost:3978/',
      'file:///etc/passwd',
      'not an address',
    ]
    for (const serviceUrl of urls) {
      const { status } = await teams.deliver(hello({ serviceUrl }), `Bearer ${teams.token({ serviceurl: serviceUrl })}`)
      expect([serviceUrl, status]).toEqual([serviceUrl, 401])
    }
  })

  it('is required for every kind of activity', async () => {
    for (const type of ['message', 'invoke', 'conversationUpdate', 'installationUpdate', 'messageUpdate'])
      expect((await rig.teams.deliver(hello({ type }), '')).status).toBe(401)
  })
})

describe('a request', () => {
  const post = (init: RequestInit) => fetch(`${rig.teams.target}/api/messages`, { method: 'POST', ...init })

  it('that is not an activity is rejected before its token is checked', async () => {
    for (const body of ['', '{', '[]', '"x"', '{"type":"message"}']) expect((await post({ body })).status).toBe(400)
    expect((await fetch(`${rig.teams.target}/api/messages`)).status).toBe(405)
  })

  it('over a megabyte is not read to its end', async () => {
    expect((await post({ body: 'x'.repeat(1_200_000) })).status).toBe(413)
  })

  it('from an organization that Parley does not serve is accepted and ignored', async () => {
    const before = received
    const conversation = {
      id: 'a:1elsewhere',
      conversationType: 'personal',
      tenantId: 'b1b2c3d4-e5f6-4890-abcd-ef1234567890',
    }
    expect((await rig.teams.deliver(hello({ conversation }))).status).toBe(200)
    expect(received).toBe(before)
  })
})

describe('without a token', () => {
  it('messages are accepted with TEAMS_AUTH=off, from services on this machine only', async () => {
    const local = await openTeamsRig(memoryRecords(), 'personal', {
      settings: { tenants: [], unchecked: true, fileHosts: [], streamMs: 100_000 },
    })
    try {
      let normalized = 0
      await local.open(
        fakeIntake({
          async receive() {
            normalized += 1
            return { turnId: 'f0000000-0000-4000-8000-000000000000', kind: 'new' }
          },
        }),
      )
      const message = local.people.message({ conversation: personalChat }, 'Hello')
      expect((await local.teams.deliver(message, '')).status).toBe(200)
      expect((await local.teams.deliver({ ...message, serviceUrl: 'https://evil.example.com' }, '')).status).toBe(401)
      expect(normalized).toBe(1)
    } finally {
      await local.close()
    }
  })
})
