-- Whether a password may be tried now, by the limits of its account and its address. The try is counted before the password is
-- checked. Tries of one key take turns, so that the counts hold for any number of processes and tries at once. A refused try does
-- not count, so waiting is enough. A key without a limit is only counted.
--   {"kind": "in", "id": "2026-01-01 …"} | {"kind": "full", "againMs": n}
create or replace function sign_in_begin(p_keys text[], p_limits int[], p_minutes int)
returns jsonb language plpgsql as $$
declare
  moment timestamptz;
  since timestamptz;
  lock_key int;
  place int;
  oldest timestamptz;
  again timestamptz;
begin
  for lock_key in select distinct hashtext(key) from unnest(p_keys) key order by 1 loop
    perform pg_advisory_xact_lock(7270003, lock_key);
  end loop;
  moment := clock_timestamp();
  since := moment - make_interval(mins => p_minutes);
  delete from sign_in_attempt where key = any (p_keys) and at <= since;
  for place in 1 .. cardinality(p_keys) loop
    continue when p_limits[place] is null;
    -- The try that must be out of the window before the next one may come.
    select at into oldest from sign_in_attempt
      where key = p_keys[place] order by at desc offset p_limits[place] - 1 limit 1;
    if found then again := greatest(again, oldest); end if;
  end loop;
  if again is not null then
    return jsonb_build_object('kind', 'full',
      'againMs', ceil(extract(epoch from again + make_interval(mins => p_minutes) - moment) * 1000));
  end if;
  -- Two tries of one key never share a moment, also where the clock was set back.
  select greatest(moment, max(at) + interval '1 microsecond') into moment from sign_in_attempt where key = any (p_keys);
  insert into sign_in_attempt (key, at) select distinct key, moment from unnest(p_keys) key;
  return jsonb_build_object('kind', 'in', 'id', moment::text);
end $$;
