-- name: Settlement :one
select number, value_date::text as value_date, shortfall_cents, taken_cents from settlement where scope = sqlc.arg(scope);

-- name: BusinessDate :one
select business_date::text from vacation where number = sqlc.arg(number);

-- name: InsertOrder :exec
insert into transfer_order (batch, ref_externe, bulk_id, bulk, purpose, state, debtor, creditor, amount_cents, due_date, info, created_at)
values (sqlc.arg(batch), sqlc.arg(ref_externe), sqlc.arg(bulk_id)::text::uuid, sqlc.arg(bulk)::int, sqlc.arg(purpose), 'PREPARED',
        sqlc.arg(debtor), sqlc.arg(creditor), sqlc.arg(amount_cents), sqlc.arg(due_date)::text::date, sqlc.arg(info),
        sqlc.arg(created_at));

-- What the session has recovered and not ordered yet. An order that the bank
-- refused was followed by another of the same amount.
-- name: Unordered :one
select ((select coalesce(sum(e.amount_cents), 0) from entry e join batch b on b.id = e.batch
         where b.scope = sqlc.arg(scope) and e.kind = 'RECOVERY')
      - (select coalesce(sum(o.amount_cents), 0) from transfer_order o join batch b on b.id = o.batch
         where b.scope = sqlc.arg(scope) and b.step = 'recovery'))::bigint;

-- What the session ordered under a step.
-- name: Ordered :one
select coalesce(sum(o.amount_cents), 0)::bigint from transfer_order o join batch b on b.id = o.batch
where b.scope = sqlc.arg(scope) and b.step = sqlc.arg(step);

-- Payouts that the bank may have, and debits of theirs that are in the books
-- and not allocated to them yet.
-- name: Remitted :one
select (select coalesce(sum(p.amount_cents), 0) from payout p join bulk b on b.number = p.bulk
        where b.attempted_at is not null and b.state <> 'REJECTED' and p.state in ('PREPARED', 'SENT', 'UNKNOWN'))::bigint as handed_over,
       (select coalesce(sum(a.debit_cents - a.credit_cents), 0) from settlement s
        join account a on a.code = 'TR.SET.' || s.reference and a.debit_cents > a.credit_cents
        where s.kind = 'REMITTANCE')::bigint as debited;

-- name: LockOrderOfBulk :one
select o.number, o.ref_externe, o.purpose, o.amount_cents, o.info
from transfer_order o join bulk b on b.number = o.bulk
where b.number = sqlc.arg(bulk) and b.state = 'REJECTED' and o.state not in ('REJECTED', 'EXECUTED')
for update;

-- name: RejectOrder :exec
update transfer_order set state = 'REJECTED' where number = sqlc.arg(number);
