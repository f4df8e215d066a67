-- Events for programs outside (docs/webhooks.md): each is written for its receivers in the transaction of what happened, so that none is
-- lost and none comes twice under another id. THE table of events is src/core/webhook.ts; docs/decisions/0064 says why it is done here.

-- Whether a place of a team, or a hook's workspace or channel, holds a scope: itself, and of a workspace its channels and accounts.
create or replace function webhook_place_holds(p_place text, p_scope text) returns boolean language sql immutable as $$
  select p_place = p_scope or (starts_with(p_place, 'workspace:') and split_part(p_scope, ':', 1) in ('channel', 'user')
    and starts_with(substr(p_scope, strpos(p_scope, ':') + 1), substr(p_place, length('workspace:') + 1) || '/'))
$$;

-- Whether a receiver with the scope `p_hook` is told of what concerns `p_scope`.
create or replace function webhook_covers(p_hook text, p_scope text) returns boolean language sql stable as $$
  select p_hook = 'all' or webhook_place_holds(p_hook, p_scope) or (starts_with(p_hook, 'team:') and exists (
    select from team_place where 'team:' || team_place.team_id = p_hook and webhook_place_holds(team_place.scope, p_scope)))
$$;

-- A key's parts are escaped as a scope's are.
create or replace function webhook_channel_scope(p_key text) returns text language sql immutable as $$
  select 'channel:' || split_part(p_key, '/', 1) || '/' || split_part(p_key, '/', 2) || '/' || split_part(p_key, '/', 3)
$$;

create or replace function webhook_wanted(p_event text) returns boolean language sql stable as $$
  select exists (select from webhook where state = 'active' and p_event = any (events))
$$;

-- A receiver that is removed at this moment is waited for, and left out.
create or replace function webhook_note(p_event text, p_id text, p_scope text, p_turn uuid, p_data jsonb) returns void language sql as $$
  with hook as (
    select id from webhook where state = 'active' and p_event = any (events) and webhook_covers(scope, p_scope) for key share
  )
  insert into webhook_delivery (webhook_id, event_id, event, scope, turn_id, data)
  select hook.id, p_id, p_event, p_scope, p_turn, p_data from hook
  on conflict do nothing
$$;

create or replace function webhook_time(p_at timestamptz) returns text language sql immutable as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Dollars with all their digits.
create or replace function webhook_usd(p_nano bigint) returns text language sql immutable as $$
  select trim_scale(p_nano * 0.000000001)::text
$$;

create or replace function webhook_place(p_conversation text) returns jsonb language sql stable as $$
  select jsonb_build_object('platform', platform, 'workspaceId', workspace_id, 'channelId', channel_id, 'threadId', thread_id)
  from conversation where key = p_conversation
$$;

create or replace function webhook_turn_finished() returns trigger language plpgsql as $$
begin
  if not webhook_wanted('turn.finished') then return null; end if;
  perform webhook_note('turn.finished', 'turn_finished_' || new.id, webhook_channel_scope(new.conversation_key), new.id,
    webhook_place(new.conversation_key) || jsonb_build_object(
      'turnId', new.id, 'questionId', new.source_id, 'userId', new.author_id, 'state', new.state,
      'provider', new.receipt -> 'provider', 'model', new.receipt -> 'model',
      'costUsd', webhook_usd(coalesce((select sum(cost)::bigint from ledger where turn_id = new.id), 0)),
      'createdAt', webhook_time(new.created_at), 'startedAt', webhook_time(new.started_at),
      'finishedAt', webhook_time(new.finished_at)));
  return null;
end $$;

-- Of thresholds that are reached together the highest one covers the others.
create or replace function webhook_budget_alert() returns trigger language plpgsql as $$
declare
  found_one record;
begin
  if not webhook_wanted('budget.alert') then return null; end if;
  for found_one in
    select distinct on (raised.budget_id, raised.starts_at) budget.*, raised.starts_at, raised.threshold, raised.raised_at, kept.ends_at,
      kept.spent, budget.amount + coalesce((select sum(given.amount) from budget_grant given where given.budget_id = budget.id
        and given.granted_at >= kept.starts_at and given.granted_at < kept.ends_at), 0)::bigint as most
    from raised join budget on budget.id = raised.budget_id
      join budget_window kept on kept.budget_id = raised.budget_id and kept.starts_at = raised.starts_at
    order by raised.budget_id, raised.starts_at, raised.threshold desc
  loop
    -- After a correction of the ledger the same threshold may be reached again.
    perform webhook_note('budget.alert', format('budget_alert_%s_%s_%s_%s', found_one.id, (extract(epoch from found_one.starts_at))::bigint,
        found_one.threshold, (extract(epoch from found_one.raised_at) * 1000)::bigint), found_one.scope, null,
      jsonb_build_object('budgetId', found_one.id, 'scope', found_one.scope, 'period', found_one.period, 'timeZone', found_one.time_zone,
        'percent', found_one.threshold, 'limitUsd', webhook_usd(found_one.most), 'spentUsd', webhook_usd(found_one.spent),
        'startsAt', webhook_time(found_one.starts_at), 'resetsAt', webhook_time(found_one.ends_at)));
  end loop;
  return null;
end $$;

create or replace function webhook_approval_asked() returns trigger language plpgsql as $$
declare
  asking turn;
begin
  if not webhook_wanted('approval.asked') then return null; end if;
  select * into asking from turn where id = new.turn_id;
  perform webhook_note('approval.asked', 'approval_asked_' || new.id,
    coalesce(webhook_channel_scope(asking.conversation_key), new.scope), asking.id,
    coalesce(webhook_place(asking.conversation_key), '{}') || jsonb_build_object(
      'kind', 'budget', 'approvalId', new.id, 'turnId', new.turn_id, 'questionId', new.source_id, 'userId', asking.author_id,
      'budgetId', new.budget_id, 'scope', new.scope, 'amountUsd', webhook_usd(new.amount), 'askedAt', webhook_time(new.asked_at)));
  return null;
end $$;

create or replace trigger webhook_turn_finished after update of state on turn
  for each row when (old.state in ('queued', 'answering') and new.state in ('done', 'stopped', 'failed'))
  execute function webhook_turn_finished();
create or replace trigger webhook_budget_alert after insert on budget_alert referencing new table as raised
  for each statement execute function webhook_budget_alert();
create or replace trigger webhook_approval_asked after insert on approval
  for each row execute function webhook_approval_asked();
