/** The statements behind ledger-postgres.ts and budgets-postgres.ts; the functions are in prisma/functions. Each may be sent twice. */
import type { Statement } from './database.ts'

export const reserve: Statement = {
  name: 'ledger_reserve',
  text: `
select ledger_reserve($1, $2, $3, $4, $5, $6, $7, $8::text[], $9, $10, $11, $12::bigint, $13::jsonb, $14::bigint,
  $15::timestamptz, $16::bigint) as answer`,
}

export const end: Statement = {
  name: 'ledger_end',
  text: `
select ledger_end($1, $2::ledger_state, $3::bigint, $4::jsonb, $5::boolean, $6::text, $7::int, $8::int) as answer`,
}

export const renew: Statement = {
  name: 'ledger_renew',
  text: `
update ledger set lease_until = clock_timestamp() + $3 * interval '1 millisecond', at_most = renewed.at_most
from unnest($1::uuid[], $2::bigint[]) renewed (id, at_most)
where ledger.id = renewed.id and ledger.state = 'reserved'`,
}

/** A little in the past: the column is rounded to milliseconds. */
export const dropLeases: Statement = {
  name: 'ledger_drop_leases',
  text: `update ledger set lease_until = clock_timestamp() - interval '1 second' where state = 'reserved'`,
}

export const lapsed: Statement = {
  name: 'ledger_lapsed',
  text: `select id from ledger where state = 'reserved' and lease_until < clock_timestamp() order by lease_until limit $1`,
}

/**
 * As `speed` of src/routing/billable.ts measures: the shown tokens after the first text, and the hidden ones before it. Whether
 * thoughts were shown is not in the ledger; where they were, this comes out too fast, which is the safe side.
 */
export const speeds: Statement = {
  name: 'ledger_speeds',
  text: `
select provider, model, max(greatest(shown, hidden))::float8 as fastest, count(*)::int as calls
from (
  select provider, model,
    case when output - reasoning >= 20 and ms - first_token_ms >= 200
      then (output - reasoning) * 1000.0 / (ms - first_token_ms) end as shown,
    case when reasoning >= 20 and first_token_ms >= 200 then reasoning * 1000.0 / first_token_ms end as hidden
  from (
    select provider, model, ms, first_token_ms, (usage ->> 'output')::int as output, (usage ->> 'reasoning')::int as reasoning
    from ledger
    where state = 'settled' and outcome = 'ok' and kind = 'answer' and not estimated and first_token_ms is not null
    order by reserved_at desc limit 2000
  ) newest
) measured
where coalesce(shown, hidden) is not null
group by provider, model`,
}

const claimForMs = 60_000

/** Of each window the highest threshold; those below it are told with it. A claim that led to nothing is free again later. */
export const claimAlerts: Statement = {
  name: 'budget_claim_alerts',
  text: `
with claimed as (
  update budget_alert set claimed_at = clock_timestamp()
  where told_at is null and (claimed_at is null or claimed_at < clock_timestamp() - ${claimForMs} * interval '1 millisecond')
  returning budget_id, starts_at, threshold
)
select budget.id, budget.scope, budget.period::text, budget.time_zone, highest.starts_at, counter.ends_at, highest.threshold,
  counter.spent, budget.amount + coalesce((
    select sum(given.amount) from budget_grant given where given.budget_id = budget.id
      and given.granted_at >= counter.starts_at and given.granted_at < counter.ends_at), 0)::bigint as limit
from (select budget_id, starts_at, max(threshold) as threshold from claimed group by budget_id, starts_at) highest
join budget on budget.id = highest.budget_id
join budget_window counter on counter.budget_id = highest.budget_id and counter.starts_at = highest.starts_at`,
}

export const markAlertSent: Statement = {
  name: 'budget_alert_told',
  text: `
update budget_alert set told_at = clock_timestamp()
where budget_id = $1 and starts_at = $2 and threshold <= $3 and told_at is null`,
}

export const states: Statement = {
  name: 'budget_states',
  text: `select * from budget_states($1::text[], coalesce($2::timestamptz, clock_timestamp())) order by scope, period, id`,
}

export const approvedFor: Statement = {
  name: 'approval_approved',
  text: `
select max(amount) as amount from approval
where state = 'approved' and source_id = coalesce((select source_id from turn where id = $1), $1)`,
}

export const set: Statement = {
  name: 'budget_set',
  text: `select budget_set($1, $2, $3::budget_period, $4::bigint, $5, $6)`,
}

export const grant: Statement = {
  name: 'budget_grant',
  text: `
insert into budget_grant (id, budget_id, amount, granted_by, granted_at)
select $1, budget.id, $4::bigint, $5, clock_timestamp() from budget where scope = $2 and period = $3::budget_period
on conflict (id) do nothing`,
}

export const seedApply: Statement = {
  name: 'budget_seed_apply',
  text: `select budget_seed_apply($1, $2, $3::budget_period, $4::bigint, $5) as applied`,
}

export const seedDrop: Statement = {
  name: 'budget_seed_drop',
  text: `select * from budget_seed_drop($1::text[], $2::text[])`,
}
