-- Whether a turn that holds its conversation's lease may be answered now, by the limits of its person and its channel. Of each
-- scope one turn is looked at at a time, so that the counts hold for any number of processes. A turn counts once as a request,
-- and holds its place among those under way as long as its lease: a crash frees it by itself.
--   {"kind": "in"} | {"kind": "wait", "place": n} | {"kind": "full", "place": n, "againMs": n}: `place` is that of the scope
create or replace function turn_enter(p_turn uuid, p_scopes text[], p_per_minute int[], p_concurrent int[])
returns jsonb language plpgsql as $$
declare
  moment timestamptz;
  lock_key int;
  place int;
  again timestamptz;
  running_now int;
begin
  for lock_key in select distinct hashtext(scope) from unnest(p_scopes) scope order by 1 loop
    perform pg_advisory_xact_lock(7270002, lock_key);
  end loop;
  moment := clock_timestamp();
  delete from turn_limit old
    where old.scope = any (p_scopes) and old.at <= moment - interval '1 minute'
      and not exists (select from turn where turn.id = old.turn_id and turn.state in ('queued', 'answering'));

  for place in 1 .. cardinality(p_scopes) loop
    -- The request that must be a minute old before the next one may come.
    select old.at into again from turn_limit old
      where old.scope = p_scopes[place] and old.at > moment - interval '1 minute'
      order by old.at desc offset p_per_minute[place] - 1 limit 1;
    if p_per_minute[place] is not null and found
      and not exists (select from turn_limit mine where mine.scope = p_scopes[place] and mine.turn_id = p_turn)
    then
      return jsonb_build_object('kind', 'full', 'place', place,
        'againMs', ceil(extract(epoch from again + interval '1 minute' - moment) * 1000));
    end if;
  end loop;
  insert into turn_limit (scope, turn_id, at) select distinct scope, p_turn, moment from unnest(p_scopes) scope
    on conflict do nothing;

  for place in 1 .. cardinality(p_scopes) loop
    select count(*) into running_now from turn_limit other
      join turn on turn.id = other.turn_id
      join conversation on conversation.key = turn.conversation_key
      where other.scope = p_scopes[place] and other.running and other.turn_id <> p_turn
        and conversation.lease_turn = turn.id and conversation.lease_until > moment;
    if running_now >= p_concurrent[place] then return jsonb_build_object('kind', 'wait', 'place', place); end if;
  end loop;
  update turn_limit set running = true where turn_id = p_turn and scope = any (p_scopes);
  return jsonb_build_object('kind', 'in');
end $$;
