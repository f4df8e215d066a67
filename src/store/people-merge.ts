/** Gives everything of one person to another, when both turn out to be one human being. `people.ts` locks and audits. */
import type { Database, Statement } from './database.ts'

/** In the transaction of `send`. The caller deletes the row of `from`. */
export async function moveEverything(send: Database['query'], from: string, into: string): Promise<void> {
  for (const statement of moves) await send(statement, [from, into])
}

/** Each with the person who goes and the one who stays. */
const moves: readonly Statement[] = [
  [
    'person',
    `update person set role = least(person.role, other.role), email = coalesce(person.email, other.email),
  vouched_email = coalesce(person.vouched_email, other.vouched_email),
  signed_in_at = greatest(person.signed_in_at, other.signed_in_at),
  time_zone = coalesce(person.time_zone, other.time_zone)
from person other where person.id = $2::uuid and other.id = $1::uuid`,
  ],
  ['identities', `update identity set person_id = $2::uuid where person_id = $1::uuid`],
  [
    'password',
    `update password set person_id = $2::uuid where person_id = $1::uuid
  and not exists (select from password mine where mine.person_id = $2::uuid)`,
  ],
  [
    'teams',
    `insert into team_member (team_id, person_id, role, claimed)
select team_id, $2::uuid, role, claimed from team_member where person_id = $1::uuid on conflict do nothing`,
  ],
  [
    'settings',
    `update setting set scope = 'person:' || $2::uuid where scope = 'person:' || $1::uuid
  and not exists (select from setting mine where mine.scope = 'person:' || $2::uuid and mine.name = setting.name)`,
  ],
  ['money', `select person_merge_money($1::uuid, $2::uuid)`],
  [
    'questions',
    `with own as (
  update turn set author_id = $2::uuid::text from console_thread thread
  where thread.owner_id = $1::uuid and turn.conversation_key = 'console/local/' || thread.id and turn.author_id = $1::uuid::text
  returning turn.source_id
)
update inbound set message = message
  || jsonb_build_object('author', (message -> 'author') || jsonb_build_object('id', $2::uuid, 'personId', $2::uuid))
from own where inbound.turn_id = own.source_id and message -> 'author' ->> 'id' = $1::uuid::text`,
  ],
  [
    'places',
    `update place_member set account = $2::uuid::text from place
where place.key = place_member.place_key and place.platform = 'console' and account = $1::uuid::text`,
  ],
  ['threads', `update console_thread set owner_id = $2::uuid where owner_id = $1::uuid`],
  ['uploads', `update console_upload set owner_id = $2::uuid where owner_id = $1::uuid`],
  ['keys', `update api_key set owner_id = $2::uuid where owner_id = $1::uuid`],
].map(([name, text]) => ({ name: `person_merge_${name}`, text: text ?? '' }))
