-- Budgets: what they hold, their warnings and their changes.

-- What the ledger says of a scope in a window.
create or replace function ledger_sums(p_scope text, p_from timestamptz, p_to timestamptz, out spent bigint, out reserved bigint)
language sql stable as $$
  -- Never more than the columns hold, with room for what is added (src/core/money.ts).
  select least(coalesce(sum(entry.cost) filter (where entry.state in ('settled', 'expired')), 0), 4e18)::bigint,
    least(coalesce(sum(entry.reserved) filter (where entry.state = 'reserved'), 0), 4e18)::bigint
  from ledger entry
  where entry.reserved_at >= p_from and entry.reserved_at < p_to and p_scope = any (entry.scopes)
$$;

-- The budgets of some scopes at a moment. Reads only; what has no counters yet is added up from the ledger.
create or replace function budget_states(p_scopes text[], p_at timestamptz)
returns table (id uuid, scope text, period text, amount bigint, extra bigint, time_zone text, created_by text,
  created_at timestamptz, starts_at timestamptz, ends_at timestamptz, spent bigint, reserved bigint)
language sql stable as $$
  select budget.id, budget.scope, budget.period::text, budget.amount,
    coalesce((select sum(given.amount) from budget_grant given where given.budget_id = budget.id
      and given.granted_at >= at.starts_at and given.granted_at < at.ends_at), 0)::bigint,
    budget.time_zone, budget.created_by, budget.created_at, at.starts_at, at.ends_at,
    coalesce(kept.spent, counted.spent), coalesce(kept.reserved, counted.reserved)
  from budget
  left join budget_window kept on kept.budget_id = budget.id and kept.starts_at <= p_at and kept.ends_at > p_at
  cross join lateral (
    select kept.starts_at, kept.ends_at where kept.budget_id is not null
    union all
    select made.starts_at, made.ends_at from budget_window_at(budget.period::text, budget.time_zone, p_at) made
    where kept.budget_id is null
  ) at
  left join lateral (
    select sums.spent, sums.reserved from ledger_sums(budget.scope, at.starts_at, at.ends_at) sums
    where kept.budget_id is null
  ) counted on true
  where p_scopes is null or budget.scope = any (p_scopes)
$$;

-- Alone in the gate that reservations and settlements share.
create or replace function ledger_gate_alone() returns void language sql as $$ select pg_advisory_xact_lock(7270001) $$;

-- Locks the budgets of some scopes. Other calls that spend from them wait.
create or replace function budget_lock(p_scopes text[]) returns void language plpgsql as $$
begin
  perform from budget where scope = any (p_scopes) order by id for no key update;
end $$;

-- Warnings that have become due, once for each window and threshold. Answers how many are new.
create or replace function budget_raise(p_budget uuid, p_starts_at timestamptz, p_per_cent numeric) returns int language sql as $$
  with raised as (
    insert into budget_alert (budget_id, starts_at, threshold)
    select p_budget, p_starts_at, threshold from unnest(array[50, 80, 100]) threshold where threshold <= p_per_cent
    on conflict do nothing returning 1
  )
  select count(*)::int from raised
$$;

-- Sets a budget. Alone in the gate: nothing is on its way whose reservation the new counters would miss.
create or replace function budget_set(p_id uuid, p_scope text, p_period budget_period, p_amount bigint, p_zone text, p_by text)
returns void language plpgsql as $$
declare
  before budget;
begin
  -- Refuses what is no zone here.
  perform budget_window_at(p_period::text, p_zone, now());
  perform ledger_gate_alone();
  select * into before from budget where scope = p_scope and period = p_period for update;
  insert into budget (id, scope, period, amount, time_zone, created_by)
    values (p_id, p_scope, p_period, p_amount, p_zone, p_by)
    on conflict (scope, period) do update
    set amount = excluded.amount, time_zone = excluded.time_zone, created_by = excluded.created_by, created_at = now();
  -- Windows of another zone are others: they are added up again from the ledger.
  if before.time_zone <> p_zone then delete from budget_window where budget_id = before.id; end if;
end $$;

-- A budget of parley.yaml. It counts when it is new or has changed since it was last applied; answers whether it did.
create or replace function budget_seed_apply(p_id uuid, p_scope text, p_period budget_period, p_amount bigint, p_zone text)
returns boolean language plpgsql as $$
begin
  perform ledger_gate_alone();
  perform from budget_seed
    where scope = p_scope and period = p_period and amount = p_amount and time_zone = p_zone;
  if found then return false; end if;
  perform budget_set(p_id, p_scope, p_period, p_amount, p_zone, 'parley.yaml');
  insert into budget_seed (scope, period, amount, time_zone) values (p_scope, p_period, p_amount, p_zone)
    on conflict (scope, period) do update set amount = excluded.amount, time_zone = excluded.time_zone;
  return true;
end $$;

-- Takes away what parley.yaml no longer asks for, unless an admin has set it since.
create or replace function budget_seed_drop(p_scopes text[], p_periods text[]) returns table (scope text, period text) language plpgsql as $$
begin
  perform ledger_gate_alone();
  return query
    with gone as (
      delete from budget_seed seed
      where not exists (
        select from unnest(p_scopes, p_periods) as kept (scope, period)
        where kept.scope = seed.scope and kept.period = seed.period::text)
      returning seed.scope, seed.period
    )
    delete from budget using gone
    where budget.scope = gone.scope and budget.period = gone.period and budget.created_by = 'parley.yaml'
    returning budget.scope, budget.period::text;
end $$;
