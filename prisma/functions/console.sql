-- The console's uploads hold their bytes (see blobs.sql).
create or replace trigger blob_owner_gone after delete on console_upload referencing old table as gone
  for each statement execute function blob_owner_gone('upload', 'gone.id::text');
