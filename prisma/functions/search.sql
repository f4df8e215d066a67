-- Finding passages (src/search/providers/postgres.ts).

-- Tells the planner what reading the terms of one row costs. They are stored apart from it, which the planner does not count: a table of a few
-- hundred passages would be read row by row for each term. Nobody calls it: the condition before it is always true.
create or replace function passage_terms_read(p_terms tsvector) returns boolean language plpgsql stable cost 100 as $$
begin
  return p_terms is not null;
end $$;
