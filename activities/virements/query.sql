-- name: Settlement :one
select number, reference, amount_cents, bank_line, bank_line_id, coalesce(line_count, 0)::int as line_count,
       coalesce(gross_cents, 0)::bigint as gross_cents, coalesce(file_sha256, '') as file_sha256
from settlement
where scope = sqlc.arg(scope);

-- A run tells once; the next run of the session tells again, under its own correlation.
-- name: ClaimTelling :execrows
insert into sweep (scope, step, position, done)
values (sqlc.arg(scope), 'tell', sqlc.arg(run)::text, true)
on conflict (scope, step) do update set position = excluded.position
where sweep.position <> excluded.position;

-- name: StatementLines :many
select l.id, l.label, l.amount_cents, l.booked_at, l.transaction_at, l.value_at
from bank_line own join bank_line l on l.statement = own.statement
where own.id = sqlc.arg(id) and (l.id = own.id or l.class in ('REMITTANCE', 'REJECTS'))
order by l.ordinal;

-- name: LockBulk :one
select number, purpose, state, (attempted_at is not null)::boolean as attempted from bulk where name = sqlc.arg(name) for update;

-- What the bank debits of a bulk: all but what was given back before it left.
-- What came back in a lot was debited first.
-- name: BulkOrders :one
select count(*)::int as orders, coalesce(sum(amount_cents), 0)::bigint as amount,
       (count(*) filter (where debit_line is null))::int as open,
       (count(*) filter (where debit_line = sqlc.arg(line)::text))::int as debited,
       coalesce(sum(amount_cents) filter (where debit_line = sqlc.arg(line)::text), 0)::bigint as debited_amount,
       coalesce((select w.count from sweep w where w.scope = sqlc.arg(scope)::text and w.step = 'hold'), 0)::int as held
from payout
where bulk = sqlc.arg(bulk)::int and (state <> 'REJECTED' or reject_line is not null);

-- What the bank's reports refused of a bulk and did not come back yet.
-- name: RefusedOrders :one
select count(*)::int as orders, coalesce(sum(p.amount_cents), 0)::bigint as amount
from payout_refusal r join payout p on p.number = r.payout and p.bulk = r.bulk
where r.bulk = sqlc.arg(bulk) and p.state in ('PREPARED', 'UNKNOWN', 'SENT') and p.debit_line is null;

-- name: LockRefusedOrders :many
select p.number, p.account_id, r.code, coalesce(m.status, '') as status
from payout_refusal r
         join payout p on p.number = r.payout and p.bulk = r.bulk
         left join merchant m on m.account_id = p.account_id
where r.bulk = sqlc.arg(bulk) and p.state in ('PREPARED', 'UNKNOWN', 'SENT') and p.debit_line is null
order by p.number
limit sqlc.arg(at_most)
for update of p;

-- The bank's debit settles what the channel left open.
-- name: BulkHasLeft :exec
update bulk set state = 'SENT' where number = sqlc.arg(number) and state in ('PREPARED', 'UNKNOWN');

-- name: LockOrdersToDebit :many
select number, ref_externe, amount_cents from payout
where bulk = sqlc.arg(bulk)::int and debit_line is null and (state <> 'REJECTED' or reject_line is not null)
order by number
limit sqlc.arg(at_most)
for update;

-- An order that came back before its debit was seen stays REJECTED.
-- name: DebitOrders :execrows
update payout
set state = case state when 'REJECTED' then state else 'EXECUTED' end, debit_line = sqlc.arg(line)::text,
    settled_at = case state when 'REJECTED' then settled_at else sqlc.arg(now)::timestamptz end
where number = any (sqlc.arg(numbers)::bigint[]);

-- name: BulkExecuted :exec
update bulk set state = 'EXECUTED', settled_at = sqlc.arg(now)::timestamptz where number = sqlc.arg(number) and state = 'SENT';

-- name: StaleOrders :one
select count(*)::int
from bulk b join payout p on p.bulk = b.number and p.state = 'SENT'
where b.state = 'SENT'
  and greatest((b.attempted_at at time zone 'Europe/Paris')::date, b.due_date) < sqlc.arg(before)::text::date;

-- name: LockOrdersOf :many
select number, end_to_end_id, amount_cents, state, coalesce(bulk, 0)::int as bulk from payout
where end_to_end_id = any (sqlc.arg(end_to_end_ids)::text[]) and state <> 'REFUSED'
order by number
for update;

-- The bulk that was handed over as the message of that identifier: none of ours has the number 0.
-- name: BulkOfMessage :one
select coalesce(min(number), 0)::int from bulk where replace(bulk_id::text, '-', '') = lower(sqlc.arg(message));

-- What the statement with a bank line tells of its orders.
-- name: DetailsOnStatement :many
select s.file_name, s.sha256, d.end_to_end_id, d.amount_cents, d.code
from bank_line_detail d
         join bank_line l on l.id = d.line
         join statement s on s.number = l.statement
where d.line = sqlc.arg(line)
order by d.ordinal
limit sqlc.arg(at_most);

-- name: DetailsAccepted :one
select count(*) from settlement
where reference = any (sqlc.arg(lots)::text[]) and file_sha256 = sqlc.arg(file_sha256)::bytea;

-- name: InOtherLots :many
select r.payout::bigint as payout, s.reference
from bank_reject r join settlement s on s.number = r.settlement
where r.payout = any (sqlc.arg(payouts)::bigint[]);

-- name: AcceptDetail :exec
update settlement
set file_name = sqlc.arg(file_name)::text, file_sha256 = sqlc.arg(file_sha256)::bytea, file_bytes = sqlc.narg(file_bytes)::bigint,
    line_count = sqlc.arg(line_count)::int, gross_cents = sqlc.arg(gross_cents)::bigint, commission_cents = 0
where number = sqlc.arg(number);

-- name: LockRejectsToAllocate :many
select r.line, r.code, p.number, p.source, p.account_id, p.account, p.ref_externe, p.end_to_end_id, p.amount_cents,
       p.debtor_name, p.debtor_bic, p.debtor_iban, p.creditor_name, p.creditor_bic, p.creditor_iban,
       p.due_date::text as due_date, p.info, coalesce(m.status, '') as status
from bank_reject r
         join payout p on p.number = r.payout
         left join merchant m on m.account_id = p.account_id
where r.settlement = sqlc.arg(settlement) and p.state <> 'REJECTED'
order by p.number
limit sqlc.arg(at_most)
for update of p;

-- name: RejectOrders :execrows
update payout as p
set state = 'REJECTED', reason = r.code, reject_line = sqlc.arg(line)::text, settled_at = sqlc.arg(now)::timestamptz
from bank_reject r
where r.settlement = sqlc.arg(settlement) and r.payout = p.number and p.number = any (sqlc.arg(numbers)::bigint[]);

-- CPs of which so many payouts came back one after the other, these among them.
-- A payout that was given back with the whole of its bulk says nothing of its CP.
-- name: RejectedInARow :many
select distinct p.account_id
from payout p
         cross join lateral (
             select count(*) filter (where o.state = 'REJECTED') as rejected
             from (select q.state from payout q
                   where q.account_id = p.account_id and q.number < p.number
                     and (q.state = 'EXECUTED' or q.state = 'REJECTED'
                         and (q.reject_line is not null or exists (select from payout_refusal f where f.payout = q.number)))
                   order by q.number desc limit sqlc.arg(others)::int) as o) as earlier
         cross join lateral (
             select count(*) filter (where o.state = 'REJECTED') as rejected
             from (select q.state from payout q
                   where q.account_id = p.account_id and q.number > p.number
                     and (q.state = 'EXECUTED' or q.state = 'REJECTED'
                         and (q.reject_line is not null or exists (select from payout_refusal f where f.payout = q.number)))
                   order by q.number limit sqlc.arg(others)::int) as o) as later
where p.number = any (sqlc.arg(numbers)::bigint[])
  and (earlier.rejected = sqlc.arg(others)::int or later.rejected = sqlc.arg(others)::int);

-- name: HoldPayouts :execrows
insert into payout_hold (account_id, since, reason)
select unnest(sqlc.arg(account_ids)::text[]), sqlc.arg(since)::timestamptz, unnest(sqlc.arg(reasons)::text[])
on conflict do nothing;

-- name: AddAllocated :exec
update settlement set posted_lines = posted_lines + sqlc.arg(lines)::int where number = sqlc.arg(number);

-- name: AddHeld :exec
insert into sweep (scope, step, position, count)
values (sqlc.arg(scope), 'hold', '', sqlc.arg(held)::bigint)
on conflict (scope, step) do update set count = sweep.count + excluded.count;

-- name: Allocated :one
select count(*)::int as orders,
       (count(*) filter (where p.reject_line = sqlc.arg(line)::text))::int as allocated,
       coalesce(sum(r.amount_cents) filter (where p.reject_line = sqlc.arg(line)::text), 0)::bigint as amount,
       (count(*) filter (where p.state <> 'REJECTED'))::int as open,
       coalesce((select w.count from sweep w where w.scope = sqlc.arg(scope)::text and w.step = 'hold'), 0)::int as held
from bank_reject r join payout p on p.number = r.payout
where r.settlement = sqlc.arg(settlement)::int;
