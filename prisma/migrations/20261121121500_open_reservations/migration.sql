-- The sweep looks for reservations whose lease has run out: among the open ones alone, however long the ledger is.
-- prisma-ignore: ledger_open_idx
create index ledger_open_idx on ledger (lease_until) where state = 'reserved';
