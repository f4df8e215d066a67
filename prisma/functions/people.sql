-- Persons behind accounts.

-- The accounts that a person asks from, as turns and the ledger name them; without a workspace: in each one.
create or replace function person_accounts(p_person uuid) returns table (platform text, workspace text, account text)
language sql stable as $$
  select provider, case when issuer = provider then null else issuer end, subject from identity where person_id = p_person
  union all select 'console', 'local', p_person::text
  union all select 'api', 'api', id from api_key where owner_id = p_person
$$;

-- What two persons spent becomes one sum, in the budgets of `p_into`; of two budgets for the same period the tighter one stays,
-- with what was granted on top of either. Alone in the ledger's gate, so nothing is on its way that the new sums would miss.
create or replace function person_merge_money(p_from uuid, p_into uuid) returns void language plpgsql as $$
declare
  old_scope text := 'person:' || p_from;
  new_scope text := 'person:' || p_into;
begin
  perform ledger_gate_alone();
  update ledger set scopes = array_replace(scopes, old_scope, new_scope)
    where reserved_at >= (select created_at from person where id = p_from) and old_scope = any (scopes);
  -- The page names its people by their own ids.
  update ledger set user_id = p_into::text
    where platform = 'console' and workspace_id = 'local' and user_id = p_from::text;
  update budget kept set amount = least(kept.amount, other.amount)
    from budget other where kept.scope = new_scope and other.scope = old_scope and other.period = kept.period;
  update budget_grant set budget_id = kept.id
    from budget kept join budget other on other.period = kept.period
    where kept.scope = new_scope and other.scope = old_scope and budget_grant.budget_id = other.id;
  delete from budget other using budget kept
    where other.scope = old_scope and kept.scope = new_scope and other.period = kept.period;
  update budget set scope = new_scope where scope = old_scope;
  -- They are added up again from the ledger.
  delete from budget_window using budget where budget.id = budget_window.budget_id and budget.scope = new_scope;
end $$;
