-- What answers keep of a file goes with its share, whatever deletes that: the quotes, the name and the address in citations and receipts. The
-- words of the answer stay as what was said (docs/decisions/0056-the-audience-is-the-room.md).

-- The files that an outcome (`StoredOutcome`) names, by their shares.
create or replace function outcome_rests_on(p_outcome jsonb) returns text[] language sql immutable as $$
  select array(
    select citation -> 'source' ->> 'ref' from jsonb_array_elements(coalesce(p_outcome -> 'citations', '[]')) citation
      where citation -> 'source' ->> 'kind' in ('file', 'memory')
    union select file ->> 'ref' from jsonb_array_elements(coalesce(p_outcome -> 'receipt' -> 'memory' -> 'files', '[]')) file
      where file ? 'ref')
$$;

create or replace function citations_without(p_citations jsonb, p_refs text[]) returns jsonb language sql immutable as $$
  select coalesce(jsonb_agg(case when citation -> 'source' ->> 'ref' = any (p_refs) then (citation - 'quote') || jsonb_build_object('source',
      jsonb_build_object('n', citation -> 'source' -> 'n', 'kind', citation -> 'source' -> 'kind', 'ref', '', 'title', 'Deleted file'))
    else citation end order by place), '[]')
  from jsonb_array_elements(coalesce(p_citations, '[]')) with ordinality as cited (citation, place)
$$;

-- What the model thought and how much of which file it was given may name or quote the file.
create or replace function receipt_without(p_receipt jsonb, p_refs text[], p_titles text[]) returns jsonb language sql immutable as $$
  select case when p_receipt is null then null else p_receipt - 'thoughts' - 'calls' - 'transcript' - 'logprobs' - 'used' || jsonb_build_object('notices', coalesce((
      select jsonb_agg(notice order by place) from jsonb_array_elements(p_receipt -> 'notices') with ordinality as told (notice, place)
      where not exists (select from unnest(p_titles) title where title <> '' and strpos(lower(notice #>> '{}'), lower(title)) > 0)), '[]'))
    || case when p_receipt ? 'memory' then jsonb_build_object('memory', jsonb_build_object('files', coalesce((
      select jsonb_agg(file order by place) from jsonb_array_elements(p_receipt -> 'memory' -> 'files') with ordinality as found (file, place)
      where (file ->> 'ref' = any (p_refs)) is not true), '[]'))) else '{}' end end
$$;

-- How an outcome calls these files.
create or replace function outcome_titles(p_outcome jsonb, p_refs text[]) returns text[] language sql immutable as $$
  select array(
    select citation -> 'source' ->> 'title' from jsonb_array_elements(coalesce(p_outcome -> 'citations', '[]')) citation
      where citation -> 'source' ->> 'ref' = any (p_refs)
    union select file ->> 'title' from jsonb_array_elements(coalesce(p_outcome -> 'receipt' -> 'memory' -> 'files', '[]')) file
      where file ->> 'ref' = any (p_refs))
$$;

create or replace function forget_in_answers(p_refs text[]) returns void language plpgsql as $$
begin
  -- Their turns are found by what they rest on, so they come first.
  update console_message message set citations = citations_without(message.citations, p_refs),
      receipt = receipt_without(message.receipt, p_refs, outcome_titles(turn.outcome, p_refs))
    from turn where turn.rests_on && p_refs and turn.platform = 'console' and message.turn_id = turn.id
      and message.thread_id = right(turn.conversation_key, 36)::uuid;
  update turn set rests_on = array(select unnest(turn.rests_on) except select unnest(p_refs)),
      receipt = receipt_without(turn.receipt, p_refs, outcome_titles(turn.outcome, p_refs)),
      outcome = case when turn.outcome is null then null else turn.outcome || jsonb_build_object(
        'citations', citations_without(turn.outcome -> 'citations', p_refs),
        'receipt', receipt_without(turn.outcome -> 'receipt', p_refs, outcome_titles(turn.outcome, p_refs))) end
    where turn.rests_on && p_refs;
end $$;

create or replace function share_gone() returns trigger language plpgsql as $$
begin
  if not exists (select from gone) then return null; end if;
  perform forget_in_answers(array_agg(id)) from gone;
  return null;
end $$;

-- The message that brought a file, and the receipts of its question, name it, too. An open question keeps what it was asked with.
create or replace function attachment_gone() returns trigger language plpgsql as $$
begin
  if not exists (select from gone) then return null; end if;
  update inbound set message = jsonb_set(message, '{attachments}', coalesce((
      select jsonb_agg(file order by place) from jsonb_array_elements(message -> 'attachments') with ordinality as files (file, place)
      where not exists (select from gone where gone.turn_id = inbound.turn_id and gone.attachment -> 'id' = file -> 'id')), '[]'))
    where message -> 'attachments' <> '[]' and turn_id in (select turn_id from gone);
  update turn set receipt = attachments_without(turn.receipt, names.ids),
      outcome = case when turn.outcome is null then null
        else turn.outcome || jsonb_build_object('receipt', attachments_without(turn.outcome -> 'receipt', names.ids)) end
    from (select turn_id, array_agg(attachment ->> 'id') as ids from gone group by turn_id) names
    where turn.source_id = names.turn_id and turn.receipt is not null;
  update console_message message set receipt = attachments_without(message.receipt, names.ids)
    from (select turn_id, array_agg(attachment ->> 'id') as ids from gone group by turn_id) names join turn on turn.source_id = names.turn_id
    where turn.platform = 'console' and message.turn_id = turn.id and message.thread_id = right(turn.conversation_key, 36)::uuid;
  return null;
end $$;

create or replace function attachments_without(p_receipt jsonb, p_ids text[]) returns jsonb language sql immutable as $$
  select case when p_receipt is null then null else p_receipt - 'used' || jsonb_build_object('attachments', coalesce((
    select jsonb_agg(file order by place) from jsonb_array_elements(p_receipt -> 'attachments') with ordinality as files (file, place)
    where file ->> 'attachmentId' <> all (p_ids)), '[]')) end
$$;

-- Files that were deleted while their question was being answered, and answers that were stored after what they rest on was gone.
create or replace function deletion_sweep() returns void language plpgsql as $$
declare
  refs text[];
begin
  delete from turn_attachment using turn
    where turn_attachment.gone_at is not null and turn.id = turn_attachment.turn_id and turn.state not in ('queued', 'answering');
  refs := array(
    select distinct ref from turn, unnest(turn.rests_on) ref
    where turn.finished_at > now() - interval '1 hour' and not exists (select from share where share.id = ref) limit 1000);
  if cardinality(refs) > 0 then perform forget_in_answers(refs); end if;
end $$;

create or replace trigger share_gone after delete on share referencing old table as gone
  for each statement execute function share_gone();
create or replace trigger attachment_gone after delete on turn_attachment referencing old table as gone
  for each statement execute function attachment_gone();
