-- The ledger's transactions. Each is one function, so one round trip, and is right under READ COMMITTED with any number of
-- processes: every statement within sees what was committed before it began, and those that decide come after the locks.
-- See docs/decisions/0019. Everybody takes locks in this order:
--   1. the ledger's gate: shared by reservations and settlements, alone for a change of the set of budgets
--   2. the ledger's row, where it is there already
--   3. the budgets concerned, in the order of their ids

-- Reserves the most that a call can cost in every budget that it concerns, or in none. The same id reserves once.
-- `p_at_most` is booked when nobody renews or settles it.
--   {"state": "reserved", …} | {"state": "refused", "budget": {…}, "alerts": n}
create or replace function ledger_reserve(
  p_id uuid, p_turn uuid, p_platform text, p_workspace text, p_channel text, p_user text, p_key text, p_scopes text[],
  p_kind text, p_provider text, p_model text, p_worst bigint, p_price jsonb, p_lease_ms bigint, p_at timestamptz,
  p_at_most bigint
) returns jsonb language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  moment timestamptz;
  known text;
  barrier record;
  approved uuid;
  raised int := 0;
begin
  perform pg_advisory_xact_lock_shared(7270001);
  perform budget_lock(p_scopes);
  select state::text into known from ledger where id = p_id;
  if found then return jsonb_build_object('state', known); end if;
  -- As the row will hold it; a rounding could move it over midnight.
  moment := date_trunc('milliseconds', coalesce(p_at, clock_timestamp()));
  if exists (
    select from budget where budget.scope = any (p_scopes) and not exists (
      select from budget_window kept
      where kept.budget_id = budget.id and kept.starts_at <= moment and kept.ends_at > moment))
  then
    insert into budget_window (budget_id, starts_at, ends_at, spent, reserved)
      select state.id, state.starts_at, state.ends_at, state.spent, state.reserved
      from budget_states(p_scopes, moment) state
      on conflict do nothing;
  end if;

  -- The one that keeps the longest, for it is what the person waits for.
  select budget.id, budget.scope, budget.period::text as period, budget.time_zone, kept.spent, kept.reserved, kept.ends_at,
      budget.amount + granted.extra as most, kept.spent + p_worst > budget.amount + granted.extra as firm
    into barrier
    from budget
    join budget_window kept on kept.budget_id = budget.id and kept.starts_at <= moment and kept.ends_at > moment
    cross join lateral (
      select coalesce(sum(given.amount), 0)::bigint as extra from budget_grant given
      where given.budget_id = budget.id and given.granted_at >= kept.starts_at and given.granted_at < kept.ends_at) granted
    where p_worst > 0 and budget.scope = any (p_scopes)
      and kept.spent + kept.reserved + p_worst > budget.amount + granted.extra
    order by firm desc, kept.ends_at desc, budget.id limit 1;
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
        'limit', barrier.most::text, 'spent', barrier.spent::text,
        'reserved', barrier.reserved::text, 'resetsAt', barrier.ends_at));
    end if;
  end if;

  insert into ledger (id, turn_id, platform, workspace_id, channel_id, user_id, key_id, scopes, kind, provider, model,
      reserved, at_most, price, reserved_at, lease_until, approval_id)
    values (p_id, p_turn, p_platform, p_workspace, p_channel, p_user, p_key, p_scopes, p_kind, p_provider, p_model,
      p_worst, least(p_at_most, p_worst), p_price, moment, clock_timestamp() + p_lease_ms * interval '1 millisecond', approved)
    on conflict do nothing;
  -- The same id at the same moment, where no budget made it wait.
  if not found then return jsonb_build_object('state', 'reserved'); end if;
  update budget_window counter set reserved = counter.reserved + p_worst from budget
    where budget.id = counter.budget_id and budget.scope = any (p_scopes)
      and counter.starts_at <= moment and moment < counter.ends_at;
  return jsonb_build_object('state', 'reserved');
end $$;

-- Ends a reservation: 'settled' with its cost, 'released', or 'expired' at the most that it can have cost
-- (`at_most`, kept with each renewal). What ended stays so, but
-- that a real cost replaces an expiry or a release. A corrected expiry is settled, so that a late end leaves it alone.
-- `null`: there is no such reservation.
--   {"first": bool, "reserved": "…", "alerts": n}
create or replace function ledger_end(
  p_id uuid, p_state ledger_state, p_cost bigint, p_usage jsonb, p_estimated boolean, p_outcome text, p_ms int,
  p_first_token_ms int
) returns jsonb language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  entry ledger;
  held bigint;
  spent_before bigint;
  spent_now bigint;
  raised int := 0;
begin
  perform pg_advisory_xact_lock_shared(7270001);
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
  spent_now := case p_state when 'settled' then p_cost when 'expired' then least(entry.at_most, entry.reserved) else 0 end;

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
  if spent_now = 0 and entry.approval_id is not null then
    update approval set state = 'approved', used_by = null where id = entry.approval_id and used_by = p_id;
  end if;
  if spent_now > spent_before then
    select coalesce(sum(budget_raise(budget.id, kept.starts_at, kept.spent * 100.0 / (budget.amount + granted.extra))), 0)::int
      into raised
      from budget
      join budget_window kept on kept.budget_id = budget.id
        and kept.starts_at <= entry.reserved_at and kept.ends_at > entry.reserved_at
      cross join lateral (
      select coalesce(sum(given.amount), 0)::bigint as extra from budget_grant given
      where given.budget_id = budget.id and given.granted_at >= kept.starts_at and given.granted_at < kept.ends_at) granted
      where budget.scope = any (entry.scopes) and kept.ends_at > clock_timestamp()
        and budget.amount + granted.extra > 0 and kept.spent * 2 >= budget.amount + granted.extra;
  end if;
  return jsonb_build_object('first', true, 'reserved', entry.reserved::text, 'alerts', raised);
end $$;

-- Books another cost for a call that has ended, in every budget that it counted for, and writes the audit log: both or
-- neither. Answers the row as it was before, also when the same entry comes again. Warnings that the new sum no longer
-- reaches may come again.
create or replace function ledger_correct(
  p_id uuid, p_cost bigint, p_entry uuid, p_by text, p_by_name text, p_via text, p_scope text, p_name text, p_before jsonb,
  p_after jsonb
) returns setof ledger language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  entry ledger;
begin
  perform pg_advisory_xact_lock_shared(7270001);
  select * into entry from ledger where id = p_id for update;
  if not found or entry.state not in ('settled', 'expired') then return; end if;
  insert into audit (id, by, by_name, via, scope, name, before, after)
    values (p_entry, p_by, p_by_name, p_via, p_scope, p_name,
      p_before || jsonb_build_object('cost', trim_scale(entry.cost * 0.000000001)::text),
      p_after || jsonb_build_object('cost', trim_scale(p_cost * 0.000000001)::text))
    on conflict (id) do nothing;
  if not found then
    select (before ->> 'cost')::numeric * 1e9 into entry.cost from audit where id = p_entry;
    return next entry;
    return;
  end if;
  perform budget_lock(entry.scopes);
  update ledger set cost = p_cost, estimated = false, state = 'settled' where id = p_id;
  update budget_window counter set spent = counter.spent - entry.cost + p_cost from budget
    where budget.id = counter.budget_id and budget.scope = any (entry.scopes)
      and counter.starts_at <= entry.reserved_at and entry.reserved_at < counter.ends_at;
  delete from budget_alert alert using budget, budget_window kept
    where budget.scope = any (entry.scopes) and alert.budget_id = budget.id and kept.budget_id = budget.id
      and kept.starts_at = alert.starts_at
      and kept.starts_at <= entry.reserved_at and entry.reserved_at < kept.ends_at
      and kept.spent * 100.0 < alert.threshold * (budget.amount + coalesce((
        select sum(given.amount) from budget_grant given where given.budget_id = budget.id
          and given.granted_at >= kept.starts_at and given.granted_at < kept.ends_at), 0));
  return next entry;
end $$;
