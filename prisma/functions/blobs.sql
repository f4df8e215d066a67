-- References to blobs go with the rows that they were written with, whatever deletes those rows; what only bytes explain
-- (artifacts, passages, parts of transcripts) goes with the last reference. Bytes are removed by the collector (src/blobs/blobs.ts), which
-- looks at the hashes in blob_released.

-- Arguments of the trigger: the kind of owner, and the owner's id as an expression over the deleted row `gone`.
create or replace function blob_owner_gone() returns trigger language plpgsql as $$
begin
  -- A statement that deletes nothing comes here, too.
  if not exists (select from gone) then return null; end if;
  execute format('delete from blob_ref using gone where blob_ref.owner_kind = %L and blob_ref.owner_id = %s', tg_argv[0], tg_argv[1]);
  return null;
end $$;

create or replace function blob_ref_gone() returns trigger language plpgsql as $$
begin
  if not exists (select from gone) then return null; end if;
  -- Always, even if others refer to it: two transactions that delete the last two references do not see each other.
  insert into blob_released (hash) select distinct hash from gone;
  delete from artifact using gone
    where artifact.content_hash = gone.hash and not exists (select from blob_ref where blob_ref.hash = gone.hash);
  delete from passage using gone
    where passage.content_hash = gone.hash and not exists (select from blob_ref where blob_ref.hash = gone.hash);
  delete from passage_total using gone
    where passage_total.content_hash = gone.hash and not exists (select from blob_ref where blob_ref.hash = gone.hash);
  delete from transcript_part using gone
    where transcript_part.content_hash = gone.hash and not exists (select from blob_ref where blob_ref.hash = gone.hash);
  return null;
end $$;

create or replace trigger blob_owner_gone after delete on turn_attachment referencing old table as gone
  for each statement execute function blob_owner_gone('attachment', 'gone.id');
create or replace trigger blob_owner_gone after delete on artifact referencing old table as gone
  for each statement execute function blob_owner_gone('artifact', $$gone.content_hash || '/' || gone.engine$$);
create or replace trigger blob_owner_gone after delete on web_page referencing old table as gone
  for each statement execute function blob_owner_gone('page', 'gone.id');
create or replace trigger blob_owner_gone after delete on share referencing old table as gone
  for each statement execute function blob_owner_gone('share', 'gone.id');
create or replace trigger blob_owner_gone after delete on platform_record referencing old table as gone
  for each statement execute function blob_owner_gone('record', $$gone.platform || '/' || gone.key$$);
create or replace trigger blob_ref_gone after delete on blob_ref referencing old table as gone
  for each statement execute function blob_ref_gone();
