/** `/ask search:` reaches the question, also through the form for long ones. */
import { expect, it } from 'vitest'
import { formId, formOf } from './components.ts'
import { type AskInteraction, normalizeAsk } from './normalize.ts'

const interaction = {
  id: '1100000000000000000',
  application_id: '1',
  token: 't',
  guild_id: '2',
  channel: { id: '3', type: 0 },
  channel_id: '3',
  locale: 'en-US',
  member: { user: { id: '4', username: 'ann' }, roles: [], permissions: '0' },
} as unknown as AskInteraction
const input = { text: 'pumps', files: [], quoted: [], private: false, called: true }

it.each([
  [true, { web: 'on' }],
  [false, { web: 'off' }],
  [undefined, undefined],
])('search: %s', (search, overrides) => {
  const given =
    JSON.parse(JSON.stringify(normalizeAsk(interaction, { ...input, search }).overrides ?? null)) ?? undefined
  expect(given).toEqual(overrides)
  const form = { form: 'ask' as const, private: true, model: 'a/b', search }
  expect(formOf(formId(form))).toEqual(form)
})
