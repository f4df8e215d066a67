/** Links an account of a chat to the signed-in person. See src/identity/linking.ts for why it takes three steps. */
import type { Route } from '../../src/core/http.ts'
import type { Linking } from '../../src/identity/linking.ts'
import { changerOf, personOf } from './account.ts'
import type { LinkCode, LinkState } from './account-api.ts'

export function linkingRoutes(linking: Pick<Linking, 'create' | 'state' | 'confirm' | 'refuse'>): Route[] {
  const access = ['page'] as const
  return [
    {
      method: 'POST',
      path: '/console/me/link-code',
      access,
      async handle(context) {
        const { code, expiresAt } = await linking.create(personOf(context))
        return context.json({ code, expiresAt: expiresAt.toISOString() } satisfies LinkCode, 201)
      },
    },
    {
      method: 'GET',
      path: '/console/me/link-code',
      access,
      async handle(context) {
        const state = await linking.state(personOf(context))
        if (state.state === 'none') return context.json(state satisfies LinkState)
        return context.json({ ...state, expiresAt: state.expiresAt.toISOString() } satisfies LinkState)
      },
    },
    {
      method: 'POST',
      path: '/console/me/link-code/confirm',
      access,
      async handle(context) {
        await linking.confirm(personOf(context), changerOf(context))
        return context.body(null, 204)
      },
    },
    {
      method: 'POST',
      path: '/console/me/link-code/refuse',
      access,
      async handle(context) {
        await linking.refuse(personOf(context))
        return context.body(null, 204)
      },
    },
  ]
}
