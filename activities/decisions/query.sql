-- name: Known :one
select after from operator_act where answer_id = sqlc.arg(answer_id);

-- name: LockParkedLine :one
select p.settlement, p.line, p.scheme, p.gross_cents, p.commission_cents, p.label, p.reason,
       (p.assigned_to is not null)::boolean as assigned, s.scope
from parked_line p join settlement s on s.number = p.settlement
where s.reference = sqlc.arg(reference) and p.line = sqlc.arg(line)
for update of p;

-- The dates of a parked line stand on the entry that parked it.
-- name: ParkEntry :one
select e.transaction_at, e.value_date::text as value_date
from batch b join entry e on e.batch = b.id
where b.scope = sqlc.arg(scope) and e.kind in ('PARK', 'PARK_REFUND') and e.line = sqlc.arg(line)::int
limit 1;

-- name: MerchantOf :one
select account_id, status from merchant where account = sqlc.arg(account);

-- name: AssignParkedLine :exec
update parked_line set assigned_to = sqlc.arg(account_id)::text, assigned_batch = sqlc.arg(batch)::bigint
where settlement = sqlc.arg(settlement) and line = sqlc.arg(line);

-- name: LockBankLine :one
select id, account, label, amount_cents, transaction_at, value_at, class, (batch is not null)::boolean as booked
from bank_line
where id = sqlc.arg(id)
for update;

-- name: ReferenceTaken :one
select (exists (select from settlement s where s.reference = sqlc.arg(reference)::text)
    or exists (select from bank_line l where l.reference = sqlc.arg(reference)::text and l.id <> sqlc.arg(id)::text))::boolean;

-- name: BulkOfPayouts :one
select exists (select from bulk where name = sqlc.arg(name) and purpose = 'PAYOUT' and state <> 'REJECTED' and attempted_at is not null)::boolean;

-- A line that was given to the transfer and is not matched yet counts as seen.
-- name: OwnTransfer :one
select o.state, o.amount_cents, d.code as debtor, c.code as creditor,
       coalesce(o.debit_line, (select max(l.id) from bank_line l
                               where l.class = 'OWN' and l.reference = b.name and l.batch is null and l.amount_cents < 0), '')::text as debit_line,
       coalesce(o.credit_line, (select max(l.id) from bank_line l
                                where l.class = 'OWN' and l.reference = b.name and l.batch is null and l.amount_cents > 0), '')::text as credit_line
from bulk b
         join transfer_order o on o.bulk = b.number
         join account d on d.id = o.debtor
         join account c on c.id = o.creditor
where b.name = sqlc.arg(name) and b.purpose <> 'PAYOUT'
for update of b;

-- name: ClassifyBankLine :exec
update bank_line
set class = sqlc.arg(class), reference = sqlc.arg(reference), operation_type = sqlc.arg(operation_type)
where id = sqlc.arg(id);

-- name: BookBankLine :exec
update bank_line set class = 'OWN_FUNDS', scope = sqlc.arg(scope)::text, batch = sqlc.arg(batch)::bigint where id = sqlc.arg(id);

-- name: LockDebt :one
select siret, created_at, initial_cents, remaining_cents, coalesce(modified_at, created_at) as modified_at,
       (modified_at is not null)::boolean as modified
from debt
where number = sqlc.arg(number)
for update;

-- name: SaveDebt :exec
update debt set remaining_cents = sqlc.arg(remaining), modified_at = sqlc.arg(modified_at)::timestamptz where number = sqlc.arg(number);

-- name: Release :execrows
update payout_hold set released_at = sqlc.arg(now)::timestamptz
where account_id = sqlc.arg(account_id) and released_at is null;
