/** Every change of a budget's counters, looked at within its transaction: how far they ever went, and how often too far. */
import type { NanoUsd } from '../src/core/money.ts'
import type { Database } from '../src/store/database.ts'

export async function watchCounters(database: Database): Promise<() => Promise<{ most: NanoUsd; beyond: number }>> {
  await database.pool.query(`
    create table watched (total bigint not null, amount bigint not null);
    create function watch() returns trigger language plpgsql as $$ begin
      insert into watched select new.spent + new.reserved, amount from budget where id = new.budget_id;
      return new;
    end $$;
    create trigger watch after insert or update on budget_window for each row execute function watch()`)
  return async () => {
    const { rows } = await database.pool.query<{ most: string | null; beyond: number }>(
      'select max(total) as most, count(*) filter (where total > amount)::int as beyond from watched',
    )
    return { most: BigInt(rows[0]?.most ?? 0), beyond: rows[0]?.beyond ?? -1 }
  }
}
