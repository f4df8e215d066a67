-- THE rule of who may be told what: the places whose content may be used for an answer. Every statement that fetches text of what was
-- shared asks this function; docs/decisions/0056-the-audience-is-the-room.md says why.

-- How long what a platform said of a place counts.
create or replace function place_fresh_since() returns timestamptz language sql stable as $$ select now() - interval '60 seconds' $$;

-- Whether what was asked at `p_asked` still counts for a place that an event changed at `p_changed`: whoever writes last, what was asked
-- before an event says nothing after it.
create or replace function place_counts(p_asked timestamptz, p_changed timestamptz) returns boolean language sql stable as $$
  select coalesce(p_asked > place_fresh_since() and (p_changed is null or p_asked > p_changed), false)
$$;

-- The same for what was said of one account. Events say that the roles of an account changed only where no members of rooms are listed.
create or replace function reader_counts(
  p_asked timestamptz, p_changed timestamptz, p_platform text, p_workspace text, p_account text
) returns boolean language sql stable as $$
  select place_counts(p_asked, greatest(p_changed, (
    select changed_at from account_change where platform = p_platform and workspace_id = p_workspace and account = p_account)))
$$;

-- The person who asks, as long as the account that they ask from is linked to them: it may have been unlinked since the question came.
create or replace function asker_persons(p_platform text, p_workspace text, p_account text, p_person uuid)
returns table (person uuid) language sql stable as $$
  select p_person from person_accounts(p_person) own
  where own.platform = p_platform and own.account = p_account and (own.workspace is null or own.workspace = p_workspace)
$$;

-- The accounts of somebody who asks: the one they ask from, and those that are linked to the same person. No workspace: in each one.
create or replace function asker_accounts(p_platform text, p_workspace text, p_account text, p_person uuid)
returns table (platform text, workspace text, account text) language sql stable as $$
  select p_platform, p_workspace, p_account where p_account is not null
  union select linked.platform, linked.workspace, linked.account
    from asker_persons(p_platform, p_workspace, p_account, p_person) asking cross join lateral person_accounts(asking.person) linked
$$;

-- The scopes (src/core/scope.ts) by which a collection may be granted to those who ask in a room. Parts of keys and of scopes are escaped
-- in the same way. `insiders`: it counts only where everybody is of the workspace itself, no guest and nobody of another organization.
create or replace function room_scopes(p_room text) returns table (scope text, insiders boolean) language sql stable as $$
  with own as (
    select 'workspace:' || split_part(p_room, '/', 1) || '/' || split_part(p_room, '/', 2) as scope, true as insiders
    union all
    select 'channel:' || split_part(p_room, '/', 1) || '/' || split_part(p_room, '/', 2) || '/' || split_part(p_room, '/', 3), false
  )
  select scope, insiders from own
  union all select 'team:' || team_id, true from team_place where team_place.scope in (select own.scope from own)
$$;

-- `p_room`: where the answer is read. With `p_account` the asker alone reads it, and all that the asker may read counts; without it,
-- everybody in the room reads it, and only what all of them may read counts. Unknown and stale are no.
create or replace function audience_places(
  p_room text, p_platform text, p_workspace text, p_account text, p_person uuid, p_outsider boolean
) returns table (key text) language sql stable as $$
  -- Whoever asks in a room can read it at that moment.
  select p_room
  union
  -- The asker alone.
  select place.key from asker_accounts(p_platform, p_workspace, p_account, p_person) own
    join place_member reader on reader.account = own.account and reader.reads
    join place on place.key = reader.place_key and place.platform = own.platform
      and place.workspace_id = coalesce(own.workspace, place.workspace_id)
  where place.kind = 'direct' or (place.kind <> 'collection'
    and reader_counts(reader.checked_at, place.changed_at, place.platform, place.workspace_id, reader.account))
  union
  -- Everybody in the room: public channels of a workspace, where nobody from outside reads along.
  select place.key from place room
    join place on place.platform = room.platform and place.workspace_id = room.workspace_id
  where p_account is null and room.key = p_room and room.outsiders = false and place_counts(room.checked_at, room.changed_at)
    and room.kind in ('group', 'private', 'public')
    and place.kind = 'public' and place_counts(place.checked_at, place.changed_at)
  union
  -- Everybody in the room: places that each of them can read. Of a public channel others can read along who are no members.
  select place.key from place room
    join place on place.platform = room.platform and place.workspace_id = room.workspace_id
  where p_account is null and room.key = p_room and room.complete and place_counts(room.members_at, room.changed_at)
    and room.kind in ('group', 'private', 'external') and place.kind in ('group', 'private', 'public', 'external')
    and exists (select from place_member member where member.place_key = room.key and member.reads)
    and not exists (
      select from place_member member where member.place_key = room.key and member.reads and not exists (
        select from place_member reader where reader.place_key = place.key and reader.account = member.account
          and reader.reads and place_counts(reader.checked_at, place.changed_at)))
  union
  -- Everybody in the room: places that all groups of the room can read.
  select place.key from place room
    join place on place.platform = room.platform and place.workspace_id = room.workspace_id
  where p_account is null and room.key = p_room and room.outsiders = false and place_counts(room.checked_at, room.changed_at)
    and room.kind in ('private', 'public') and place.kind in ('private', 'public')
    and place_counts(place.checked_at, place.changed_at) and room.groups <@ place.groups
  union
  -- What admins granted to everybody, to the room, or, where the asker alone reads the answer, to a team or a channel of theirs.
  select collection.place_key from collection_grant granted join collection on collection.id = granted.collection_id
  where granted.scope = 'all'
    or granted.scope in (
      select scope from room_scopes(p_room) where not insiders
        or case when p_account is not null then not coalesce(p_outsider, false) else exists (
          select from place room where room.key = p_room and room.outsiders = false and room.kind in ('group', 'private', 'public')
            and place_counts(room.checked_at, room.changed_at)) end)
    or (p_account is not null and (
      granted.scope in (select 'team:' || team_id from team_member
        join asker_persons(p_platform, p_workspace, p_account, p_person) asking on person_id = asking.person where role <> 'viewer')
      or granted.scope in (
        select 'channel:' || reader.place_key from asker_accounts(p_platform, p_workspace, p_account, p_person) own
          join place_member reader on reader.account = own.account and reader.reads
          join place on place.key = reader.place_key and place.platform = own.platform
            and place.workspace_id = coalesce(own.workspace, place.workspace_id)
            and reader_counts(reader.checked_at, place.changed_at, place.platform, place.workspace_id, reader.account))))
$$;

-- The same for one content: whether something of these bytes was shared where this audience can see it.
create or replace function audience_may_see(
  p_hash text, p_room text, p_platform text, p_workspace text, p_account text, p_person uuid, p_outsider boolean
) returns boolean language sql stable as $$
  select exists (select from share where content_hash = p_hash
    and place_key in (select key from audience_places(p_room, p_platform, p_workspace, p_account, p_person, p_outsider)))
$$;

-- Places where nothing is shared and nobody asked for minutes. Each statement here sees what was committed before it, and the places are
-- locked in between: something that is shared meanwhile keeps its place.
create or replace function place_sweep() returns void language plpgsql as $$
declare
  idle text[];
begin
  idle := array(
    select place.key from place where kind <> 'collection' and not exists (select from share where share.place_key = place.key)
      and not exists (select from learned_source where learned_source.place_key = place.key)
      and greatest(created_at, checked_at, changed_at) < now() - interval '10 minutes'
    limit 1000 for update skip locked);
  delete from place where key = any (idle) and not exists (select from share where share.place_key = place.key)
    and not exists (select from learned_source where learned_source.place_key = place.key);
  -- What a platform once said of an account is of no use any more.
  delete from place_member using place where place.key = place_member.place_key and place.kind <> 'direct'
    and place_member.checked_at < now() - interval '10 minutes';
  delete from account_change where changed_at < now() - interval '10 minutes';
end $$;
