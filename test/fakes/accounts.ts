/** Accounts of a Parley that has none: the page belongs to the user of this machine. */

import type { Accounts } from '../../adapters/console/account.ts'
import type { OwnKeys } from '../../adapters/console/keys.ts'
import type { Linking } from '../../src/identity/linking.ts'

const unused = () => Promise.reject(new Error('there are no accounts'))

/** Where nobody links an account. */
export const noLinking: Pick<Linking, 'create' | 'state' | 'confirm' | 'refuse'> = {
  create: unused,
  state: async () => ({ state: 'none' }),
  confirm: unused,
  refuse: unused,
}

export const noAccounts: Accounts = {
  people: new Proxy({} as Accounts['people'], {
    get: (_, name) => (name === 'areSetUp' ? async () => false : unused),
  }),
  sessions: { create: unused, find: async () => null, holds: unused, list: unused, end: unused, endAll: unused },
  signIn: {
    setUp: unused,
    createFirst: unused,
    signIn: unused,
    prove: unused,
    invitation: unused,
    acceptInvitation: unused,
    changePassword: unused,
  },
  invitations: new Proxy({} as Accounts['invitations'], { get: () => unused }),
  teams: new Proxy({} as Accounts['teams'], { get: () => unused }),
  mailer: undefined,
  forgetChats: unused,
  hasPassword: unused,
  persona: { read: unused, write: unused },
  flows: {
    providers: [],
    inviteOnly: false,
    find: () => undefined,
    begin: unused,
    finish: unused,
    claimsOf: unused,
  },
  cookies: { read: () => undefined, set: () => '', clear: () => '' },
  addressOf: () => '127.0.0.1',
  baseUrlOf: () => undefined,
}

export const noKeys: OwnKeys = {
  list: async () => [],
  create: async () => {
    throw new Error('not used here')
  },
  revoke: async () => undefined,
}
