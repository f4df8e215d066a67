-- The ledger's transactions. Each is one function, so one round trip, and is right under READ COMMITTED with any number of
-- processes: every statement within sees what was committed before it began, and those that decide come after the locks.
-- docs/decisions/ tells the whole. Locks are taken in this order by everybody:
--   1. the ledger's gate: shared by reservations and settlements, alone for a change of the set of budgets
--   2. the ledger's row, where it is there already
--   3. the budgets concerned, in the order of their ids

-- How far the clocks of a zone are ahead of UTC at a moment.
create function zone_offset(p_zone text, p_at timestamptz) returns interval language sql stable as $$
  select (p_at at time zone p_zone) - (p_at at time zone 'UTC')
$$;

-- The first moment at which the clocks of a zone show a local time, or one after it where they skip it. PostgreSQL's own
-- `at time zone` takes the second of two midnights. The same as `instantOf` of src/core/window.ts, by a test.
create function zone_instant(p_zone text, p_local timestamp) returns timestamptz language plpgsql stable as $$
declare
  utc timestamptz := p_local at time zone 'UTC';
  offset_before interval := zone_offset(p_zone, utc - interval '24 hours');
  offset_after interval := zone_offset(p_zone, utc + interval '24 hours');
  early timestamptz := utc - greatest(offset_before, offset_after);
  late timestamptz := utc - least(offset_before, offset_after);
  middle timestamptz;
begin
  if early at time zone p_zone = p_local then return early; end if;
  if late at time zone p_zone = p_local then return late; end if;
  while late - early > interval '1 second' loop
    middle := date_trunc('second', early + (late - early) / 2);
    if zone_offset(p_zone, middle) = offset_before then early := middle; else late := middle; end if;
  end loop;
  return late;
end $$;

-- The day, week (from Monday) or month of a zone that holds a moment.
create function budget_window_at(p_period text, p_zone text, p_at timestamptz, out starts_at timestamptz, out ends_at timestamptz)
language plpgsql stable as $$
declare
  step interval := ('1 ' || p_period)::interval;
  first timestamp := date_trunc(p_period, p_at at time zone p_zone);
begin
  starts_at := zone_instant(p_zone, first);
  ends_at := zone_instant(p_zone, first + step);
  -- Where clocks go back over midnight, a day's first moment may lie behind its date.
  if p_at < starts_at then
    ends_at := starts_at;
    starts_at := zone_instant(p_zone, first - step);
  elsif p_at >= ends_at then
    starts_at := ends_at;
    ends_at := zone_instant(p_zone, first + 2 * step);
  end if;
end $$;

-- What the ledger says of a scope in a window.
create function ledger_sums(p_scope text, p_from timestamptz, p_to timestamptz, out spent bigint, out reserved bigint)
language sql stable as $$
  select coalesce(sum(entry.cost) filter (where entry.state in ('settled', 'expired')), 0)::bigint,
    coalesce(sum(entry.reserved) filter (where entry.state = 'reserved'), 0)::bigint
  from ledger entry
  where entry.reserved_at >= p_from and entry.reserved_at < p_to and p_scope = any (entry.scopes)
$$;

-- The budgets of some scopes at a moment. Reads only; what has no counters yet is added up from the ledger.
create function budget_states(p_scopes text[], p_at timestamptz)
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

create function ledger_gate_shared() returns void language sql as $$ select pg_advisory_xact_lock_shared(7270001) $$;
create function ledger_gate_alone() returns void language sql as $$ select pg_advisory_xact_lock(7270001) $$;

-- Locks the budgets of some scopes. Behind it, whoever else spends from them waits.
create function budget_lock(p_scopes text[]) returns void language plpgsql as $$
begin
  perform from budget where scope = any (p_scopes) order by id for no key update;
end $$;

-- Warnings that have become due, once for each window and threshold. Answers how many are new.
create function budget_raise(p_budget uuid, p_starts_at timestamptz, p_per_cent numeric) returns int language sql as $$
  with raised as (
    insert into budget_alert (budget_id, starts_at, threshold)
    select p_budget, p_starts_at, threshold from unnest(array[50, 80, 100]) threshold where threshold <= p_per_cent
    on conflict do nothing returning 1
  )
  select count(*)::int from raised
$$;

-- Reserves the most that a call can cost in every budget that it concerns, or in none. The same id reserves once.
--   {"state": "reserved", …} | {"state": "refused", "budget": {…}, "alerts": n}
create function ledger_reserve(
  p_id uuid, p_turn uuid, p_platform text, p_workspace text, p_channel text, p_user text, p_key text, p_scopes text[],
  p_kind text, p_provider text, p_model text, p_worst bigint, p_price jsonb, p_lease_ms bigint, p_at timestamptz
) returns jsonb language plpgsql as $$
declare
  moment timestamptz;
  known text;
  barrier record;
  approved uuid;
  raised int := 0;
begin
  perform ledger_gate_shared();
  perform budget_lock(p_scopes);
  select state::text into known from ledger where id = p_id;
  if found then return jsonb_build_object('state', known); end if;
  -- As the row will hold it; a rounding could move it over midnight.
  moment := date_trunc('milliseconds', coalesce(p_at, clock_timestamp()));
  insert into budget_window (budget_id, starts_at, ends_at, spent, reserved)
    select state.id, state.starts_at, state.ends_at, state.spent, state.reserved from budget_states(p_scopes, moment) state
    on conflict do nothing;

  -- The one that keeps the longest, for it is what the person waits for.
  select state.*, state.spent + p_worst > state.amount + state.extra as firm into barrier
    from budget_states(p_scopes, moment) state
    where p_worst > 0 and state.spent + state.reserved + p_worst > state.amount + state.extra
    order by firm desc, state.ends_at desc, state.id limit 1;
  if found then
    update approval set state = 'used', used_by = p_id where id = (
      select asked.id from approval asked
      where asked.state = 'approved' and asked.amount >= p_worst
        and asked.source_id = coalesce((select turn.source_id from turn where turn.id = p_turn), p_turn)
      order by asked.decided_at limit 1 for update)
      returning id into approved;
    if not found then
      select coalesce(sum(budget_raise(state.id, state.starts_at, 100)), 0)::int into raised
        from budget_states(p_scopes, moment) state where state.spent + p_worst > state.amount + state.extra;
      return jsonb_build_object('state', 'refused', 'alerts', raised, 'budget', jsonb_build_object(
        'id', barrier.id, 'scope', barrier.scope, 'period', barrier.period, 'timeZone', barrier.time_zone,
        'limit', (barrier.amount + barrier.extra)::text, 'spent', barrier.spent::text,
        'reserved', barrier.reserved::text, 'resetsAt', barrier.ends_at));
    end if;
  end if;

  insert into ledger (id, turn_id, platform, workspace_id, channel_id, user_id, key_id, scopes, kind, provider, model,
      reserved, price, reserved_at, lease_until, approval_id)
    values (p_id, p_turn, p_platform, p_workspace, p_channel, p_user, p_key, p_scopes, p_kind, p_provider, p_model,
      p_worst, p_price, moment, clock_timestamp() + p_lease_ms * interval '1 millisecond', approved)
    on conflict do nothing;
  -- The same id at the same moment, where no budget made it wait.
  if not found then return jsonb_build_object('state', 'reserved'); end if;
  update budget_window counter set reserved = counter.reserved + p_worst from budget
    where budget.id = counter.budget_id and budget.scope = any (p_scopes)
      and counter.starts_at <= moment and moment < counter.ends_at;
  return jsonb_build_object('state', 'reserved');
end $$;

-- Ends a reservation: 'settled' with its cost, 'released', or 'expired' at the most that it could cost. What ended stays so, but
-- that a real cost corrects an expiry or a release. `null`: there is no such reservation.
--   {"first": bool, "reserved": "…", "alerts": n}
create function ledger_end(
  p_id uuid, p_state ledger_state, p_cost bigint, p_usage jsonb, p_estimated boolean, p_outcome text, p_ms int,
  p_first_token_ms int
) returns jsonb language plpgsql as $$
declare
  entry ledger;
  held bigint;
  spent_before bigint;
  spent_now bigint;
  raised int := 0;
begin
  perform ledger_gate_shared();
  select * into entry from ledger where id = p_id for update;
  if not found then return null; end if;
  if entry.state <> 'reserved' and not (p_state = 'settled' and entry.state in ('expired', 'released')) and
    not (p_state = 'released' and entry.state = 'expired')
    or p_state = 'expired' and entry.lease_until > clock_timestamp()
  then
    return jsonb_build_object('first', false, 'reserved', entry.reserved::text, 'alerts', 0);
  end if;
  held := case entry.state when 'reserved' then entry.reserved else 0 end;
  spent_before := case entry.state when 'expired' then entry.cost else 0 end;
  spent_now := case p_state when 'settled' then p_cost when 'expired' then entry.reserved else 0 end;

  perform budget_lock(entry.scopes);
  update ledger set state = p_state, cost = spent_now, usage = p_usage,
    estimated = p_estimated or p_state = 'expired', outcome = p_outcome, ms = p_ms, first_token_ms = p_first_token_ms,
    settled_at = clock_timestamp()
    where id = p_id;
  update budget_window counter set reserved = counter.reserved - held, spent = counter.spent - spent_before + spent_now
    from budget
    where budget.id = counter.budget_id and budget.scope = any (entry.scopes)
      and counter.starts_at <= entry.reserved_at and entry.reserved_at < counter.ends_at;
  -- What was approved and not used may be tried again.
  if spent_now = 0 then
    update approval set state = 'approved', used_by = null where id = entry.approval_id and used_by = p_id;
  end if;
  if spent_now > spent_before then
    select coalesce(sum(budget_raise(state.id, state.starts_at, state.spent * 100.0 / (state.amount + state.extra))), 0)::int
      into raised
      from budget_states(entry.scopes, entry.reserved_at) state
      where state.amount + state.extra > 0 and state.ends_at > clock_timestamp();
  end if;
  return jsonb_build_object('first', true, 'reserved', entry.reserved::text, 'alerts', raised);
end $$;

-- Sets a budget. Alone in the gate: nothing is on its way whose reservation the new counters would miss.
create function budget_set(p_id uuid, p_scope text, p_period budget_period, p_amount bigint, p_zone text, p_by text)
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
create function budget_seed_apply(p_id uuid, p_scope text, p_period budget_period, p_amount bigint, p_zone text)
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
create function budget_seed_drop(p_scopes text[], p_periods text[]) returns table (scope text, period text) language plpgsql as $$
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
