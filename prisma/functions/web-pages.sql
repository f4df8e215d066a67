-- A page goes with the last turn that was given something of it. Two that go at the same moment do not see each other: then the
-- sweep removes it once it is stale (src/store/web-pages.ts).
create or replace function turn_page_gone() returns trigger language plpgsql as $$
begin
  if not exists (select from gone) then return null; end if;
  delete from web_page using gone
    where web_page.id = gone.page_id and not exists (select from turn_page where turn_page.page_id = web_page.id);
  return null;
end $$;

create or replace trigger turn_page_gone after delete on turn_page referencing old table as gone
  for each statement execute function turn_page_gone();
