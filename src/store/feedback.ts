/** What people think of an answer. One opinion a person and turn; the last one counts. */
import { storable } from '../core/json.ts'
import type { Database, Statement } from './database.ts'

export type FeedbackValue = 'good' | 'bad'

export interface Feedback {
  /** The same opinion again keeps its comment where no new one comes with it. Answers whether the turn is known. */
  give(turnId: string, by: string, value: FeedbackValue, comment?: string): Promise<boolean>
}

const maxCommentChars = 4000

const give: Statement = {
  name: 'feedback_give',
  text: `
insert into feedback as known (turn_id, by, value, comment) select id, $2, $3, $4 from turn where id = $1
on conflict (turn_id, by) do update set value = excluded.value, at = now(),
  comment = coalesce(excluded.comment, case when known.value = excluded.value then known.comment end)
returning true as known`,
}

export function createFeedback(database: Pick<Database, 'query'>): Feedback {
  return {
    async give(turnId, by, value, comment) {
      const words = comment === undefined ? '' : storable(comment).trim().slice(0, maxCommentChars).toWellFormed()
      const rows = await database.query(give, [turnId, by, value, words === '' ? null : words])
      return rows.length > 0
    },
  }
}
