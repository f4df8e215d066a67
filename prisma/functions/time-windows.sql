-- Days, weeks and months of a time zone: the windows in which budgets are spent.

-- How far the clocks of a zone are ahead of UTC at a moment.
create or replace function zone_offset(p_zone text, p_at timestamptz) returns interval language sql stable as $$
  select (p_at at time zone p_zone) - (p_at at time zone 'UTC')
$$;

-- The first moment at which the clocks of a zone show a local time, or one after it where they skip it. PostgreSQL's own
-- `at time zone` takes the second of two midnights. The same as `instantOf` of src/core/window.ts, by a test.
create or replace function zone_instant(p_zone text, p_local timestamp) returns timestamptz language plpgsql stable as $$
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
create or replace function budget_window_at(p_period text, p_zone text, p_at timestamptz, out starts_at timestamptz, out ends_at timestamptz)
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

