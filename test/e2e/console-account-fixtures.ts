/** What the account screens show in tests that look at them: a small company. */
import type {
  CollectionRow,
  ConfiguredProvider,
  InvitationRow,
  KeyRow,
  LinkedIdentity,
  LinkState,
  Me,
  People,
  PersonRow,
  SessionRow,
  SessionState,
  TeamDetails,
} from '../../adapters/console/account-api.ts'
import type { ConsoleApi } from '../servers/console-api.ts'
import { noAccounts } from '../servers/console-api.ts'

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const day = (n: number) => new Date(Date.UTC(2026, 10, n, 9, 30)).toISOString()
const later = new Date(Date.UTC(2036, 0, 1)).toISOString()

const slack: LinkedIdentity = {
  provider: 'slack',
  issuer: 'T012AB3CD',
  subject: 'U1',
  name: 'ada',
  email: null,
  linkedAt: day(3),
}
const entra: LinkedIdentity = {
  provider: 'entra',
  issuer: 'https://login.microsoftonline.com/3f2504e0-4f89-11d3-9a0c-0305e82c3301/v2.0',
  subject: 'x',
  name: null,
  email: 'ada@example.com',
  linkedAt: day(4),
}

export const sales = { id: uuid(50), name: 'Sales', role: 'manager' as const }

export const ada: Me = {
  id: uuid(1),
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  role: 'admin',
  language: null,
  timeZone: 'Europe/Berlin',
  instructions: 'I work in finance. Answer briefly, with figures.',
  hasPassword: true,
  teams: [sales],
}

export const signedOut: SessionState = {
  ...noAccounts,
  setUp: true,
  local: false,
  providers: [
    { id: 'contoso', label: 'Contoso', kind: 'entra' },
    { id: 'keycloak', label: 'Keycloak', kind: 'oidc' },
  ],
}

export const signedIn = (person: Me = ada): SessionState => ({ ...signedOut, person })

const person = (n: number, name: string, more: Partial<PersonRow> = {}): PersonRow => ({
  id: uuid(n),
  name,
  email: `${name.split(' ')[0]?.toLowerCase()}@example.com`,
  role: 'member',
  namedAdmin: false,
  createdAt: day(1),
  disabledAt: null,
  signedInAt: day(20),
  hasPassword: true,
  identities: [],
  teams: [],
  ...more,
})

const invitation: InvitationRow = {
  id: uuid(70),
  role: 'member',
  team: { ...sales, role: 'member' },
  personId: null,
  name: 'Katherine Johnson',
  email: 'katherine@example.com',
  createdAt: day(20),
  expiresAt: later,
}

const team: TeamDetails = {
  ...sales,
  instructions: 'Use the price list of 2026.',
  members: [
    { personId: uuid(1), name: 'Ada Lovelace', role: 'manager' },
    { personId: uuid(2), name: 'Grace Hopper', role: 'member' },
  ],
  places: ['channel:slack/T012AB3CD/C45EF6789'],
  invitations: [invitation],
}

const people: People = {
  people: [
    person(1, 'Ada Lovelace', { role: 'admin', namedAdmin: true, identities: [slack, entra], teams: [sales] }),
    person(2, 'Grace Hopper', { teams: [{ ...sales, role: 'member' }] }),
    person(3, 'Alan Turing', { disabledAt: day(22) }),
    person(4, 'edsger', {
      email: null,
      signedInAt: null,
      hasPassword: false,
      identities: [{ ...slack, name: 'edsger' }],
    }),
  ],
  invitations: [invitation],
  teams: [team],
}

const sessions: SessionRow[] = [
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36', '192.0.2.10'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1', '2001:db8::7334'],
].map(([userAgent = '', address = ''], n) => ({
  id: uuid(80 + n),
  createdAt: day(10),
  usedAt: day(20 - n),
  endsAt: later,
  userAgent,
  address,
  current: n === 0,
}))

const keys: KeyRow[] = [
  {
    id: 'k1',
    name: 'Nightly report',
    scopes: ['ask', 'usage:read'],
    createdAt: day(2),
    expiresAt: later,
    lastUsedAt: day(21),
  },
  { id: 'k2', name: 'Notebook', scopes: ['ask'], createdAt: day(2), expiresAt: null, lastUsedAt: null },
]

const providers: ConfiguredProvider[] = [
  {
    id: 'contoso',
    label: 'Contoso',
    kind: 'entra',
    issuer: entra.issuer,
    redirectUri: 'https://parley.example.com/console/sign-in/contoso/callback',
    state: 'ready',
    userMessage: null,
  },
  {
    id: 'keycloak',
    label: 'Keycloak',
    kind: 'oidc',
    issuer: 'https://id.example.com/realms/main',
    redirectUri: 'https://parley.example.com/console/sign-in/keycloak/callback',
    state: 'failing',
    userMessage: 'https://id.example.com does not answer. Check that it runs and that this machine reaches it.',
  },
]

export const pageOf: Omit<CollectionRow['sources'][number], 'id' | 'kind' | 'title' | 'address'> = {
  pages: null,
  refreshHours: 168,
  state: 'read',
  progress: null,
  found: 1,
  waiting: 0,
  problems: [],
  refreshedAt: day(20),
}

export const handbook: CollectionRow = {
  id: uuid(60),
  name: 'Handbook',
  createdAt: day(2),
  grants: ['all', `team:${sales.id}`],
  sources: [
    {
      ...pageOf,
      id: uuid(61),
      kind: 'link',
      title: 'https://docs.example.com/prices',
      address: 'https://docs.example.com/prices',
    },
    {
      ...pageOf,
      id: uuid(62),
      kind: 'site',
      title: 'https://docs.example.com/guide/',
      address: 'https://docs.example.com/guide/',
      pages: 100,
      found: 98,
      problems: ["https://docs.example.com/guide/x: The site's robots.txt does not allow programs to read it."],
    },
    { ...pageOf, id: uuid(63), kind: 'upload', title: 'price list.pdf', address: null, refreshHours: null },
  ],
}

export const agreed = {
  state: 'agreed',
  expiresAt: later,
  account: { provider: 'slack', issuer: 'T012AB3CD', subject: 'U1', name: 'ada' },
  label: 'Slack: ada (T012AB3CD) · 47',
  joins: 'ada',
} satisfies LinkState

export function answerAccounts(api: ConsoleApi, state: SessionState = signedIn()): void {
  const answers: Record<string, unknown> = {
    'GET /console/session': state,
    'GET /console/me/identities': {
      identities: [slack, entra],
      connect: [
        { id: 'slack', label: 'Slack', kind: 'slack' },
        { id: 'discord', label: 'Discord', kind: 'discord' },
      ],
    },
    'GET /console/me/sessions': { sessions },
    'GET /console/me/keys': { keys },
    'POST /console/me/keys': { key: keys[0], secret: 'parley_sk_4fJ0q8XwN1c7vB2mZk9RtYd3' },
    'POST /console/me/link-code': { code: 'K7QF-3M9X', expiresAt: later },
    'GET /console/me/link-code': agreed,
    [`GET /console/teams/${sales.id}`]: team,
    [`GET /console/teams/${sales.id}/collections`]: {
      collections: [
        { ...handbook, id: uuid(71), name: 'Price lists', grants: [`team:${sales.id}`], changeable: true },
        { ...handbook, changeable: false },
      ],
    },
    'GET /console/admin/people': people,
    'POST /console/admin/invitations': {
      invitation,
      url: 'https://parley.example.com/invite/7yN2kq0pV4sJx1dUcE8mZg',
    },
    'GET /console/admin/collections': { collections: [handbook], teams: [{ id: sales.id, name: sales.name }] },
    'GET /console/admin/sign-in': { providers },
    'POST /console/admin/sign-in/contoso/try': {
      checks: [
        { name: 'Discovery', ok: true, text: 'The issuer answered in 0.2 s.' },
        { name: 'Clock', ok: false, text: "This machine's clock is 4 minutes behind the issuer's. Set it." },
      ],
      claims: ['sub', 'email', 'groups'],
    },
    'GET /console/invitations/abc': {
      role: 'member',
      team: 'Sales',
      resets: false,
      name: 'Katherine Johnson',
      email: 'katherine@example.com',
      expiresAt: later,
    },
  }
  for (const [call, answer] of Object.entries(answers)) api.answers.set(call, answer)
}
