/** Removes what a person said and what names them. Amounts stay in the ledger, and the audit keeps ids. `people.ts` locks and audits. */
import { consoleIdOf, type IdentityKey } from '../core/person.ts'
import type { Database, Statement } from './database.ts'

/** In the transaction of `send`. The caller deletes the person's own row, and what hangs on it goes with it. */
export async function eraseTraces(
  send: Database['query'],
  personId: string,
  accounts: readonly IdentityKey[],
): Promise<void> {
  const keys = (await send<{ key: string }>(conversationsOf, [personId])).map(({ key }) => key)
  for (const statement of eraseThreads) await send(statement, [keys])
  await send(forgetAccountNames, accountParts(accounts))
  for (const statement of eraseElsewhere) await send(statement, [personId, consoleIdOf(personId)])
}

const conversationsOf: Statement = {
  name: 'person_conversations',
  text: `
select key from conversation where key in (
  select 'console/local/' || thread.id from console_thread thread where thread.owner_id = $1::uuid)
order by key for update`,
}

const eraseThreads: readonly Statement[] = [
  { name: 'person_erase_thread_turns', text: `delete from turn where conversation_key = any ($1::text[])` },
  {
    name: 'person_erase_thread_calls',
    text: `delete from command_call where conversation_key = any ($1::text[])`,
  },
  { name: 'person_erase_places', text: `delete from place where key = any ($1::text[])` },
  { name: 'person_erase_threads', text: `delete from conversation where key = any ($1::text[])` },
]

/** Theirs, and their keys'. */
const ownScopes = `array['person:' || $1::uuid, 'user:' || $2] || array(
  select scope from api_key, unnest(array['key:' || id, 'user:api/api/' || id]) scope where owner_id = $1::uuid)`

/** The names of their own account and of their keys in the audit log. */
const ownNames = `array[$2] || array(select 'api/api/' || id from api_key where owner_id = $1::uuid)`

/** What they did with accounts of chats and of providers, where the audit names the account (`slack/T1/U1`). */
const forgetAccountNames: Statement = {
  name: 'person_erase_account_names',
  text: `
update audit set by_name = null from unnest($1::text[], $2::text[], $3::text[]) account (provider, issuer, subject)
where by_name is not null and split_part(by, '/', 1) = account.provider and split_part(by, '/', 3) = account.subject
  and coalesce(split_part(by, '/', 2) = account.issuer, true)`,
}

/** As they are written in names; a provider that vouches for all workspaces has no issuer. */
function accountParts(accounts: readonly IdentityKey[]): (string | null)[][] {
  return [
    accounts.map(({ provider }) => encodeURIComponent(provider)),
    accounts.map(({ provider, issuer }) => (issuer === provider ? null : encodeURIComponent(issuer))),
    accounts.map(({ subject }) => encodeURIComponent(subject)),
  ]
}

/** What names them elsewhere. The audit keeps who did what, by ids. */
const eraseElsewhere: readonly Statement[] = [
  ['calls', `delete from command_call where person = any (${ownNames})`],
  ['settings', `delete from setting where scope = any (${ownScopes})`],
  ['budgets', `delete from budget where scope = any (${ownScopes})`],
  ['webhook_events', `delete from webhook_delivery where scope = any (${ownScopes})`],
  ['audit_names', `update audit set by_name = null where by = any (${ownNames}) and by_name is not null`],
  ['audit_values', `update audit set before = null, after = null where scope = any (${ownScopes})`],
  ['invitations', `delete from invitation where created_by = $2 or person_id = $1::uuid or used_by = $1::uuid`],
].map(([name, text]) => ({ name: `person_erase_${name}`, text: text ?? '' }))
