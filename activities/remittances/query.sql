-- What the session's posted orders of the earliest due date come to, as many as one bulk holds.
-- name: NextToRemit :one
select coalesce(min(x.due_date)::text, '')::text as due_date, count(*)::int as orders, coalesce(sum(x.amount_cents), 0)::bigint as amount_cents,
       coalesce(min(x.number), 0)::bigint as first, coalesce(max(x.number), 0)::bigint as last
from (select p.number, p.due_date, p.amount_cents, min(p.due_date) over () as earliest
      from (select number, due_date, amount_cents from payout
            where scope = sqlc.arg(scope) and state = 'PREPARED' and bulk is null
            order by due_date, number
            limit sqlc.arg(most)::int) as p) as x
where x.due_date = x.earliest;

-- name: PutIntoBulk :execrows
update payout set bulk = sqlc.arg(bulk)::int
where scope = sqlc.arg(scope) and state = 'PREPARED' and bulk is null and due_date = sqlc.arg(due_date)::text::date
  and number between sqlc.arg(first) and sqlc.arg(last);

-- name: Remitted :one
select count(*)::int as bulks, coalesce(sum(b.orders), 0)::int as orders, coalesce(sum(b.amount_cents), 0)::bigint as amount_cents
from bulk b join vacation v on v.number = b.vacation
where v.kind = sqlc.arg(kind) and v.key = sqlc.arg(key) and b.purpose = 'PAYOUT';

-- name: PayoutsOfBulk :many
select number, ref_externe, end_to_end_id, debtor_name, debtor_bic, debtor_iban, creditor_name, creditor_bic, creditor_iban,
       amount_cents, due_date::text as due_date, info
from payout
where bulk = sqlc.arg(bulk)::int and number > sqlc.arg(after)
order by number
limit sqlc.arg(most)::int;

-- The payouts in the order of their file: a block for each debtor, with what it comes to.
-- name: PayoutsByDebtor :many
select ref_externe, end_to_end_id, debtor_name, debtor_bic, debtor_iban, creditor_name, creditor_bic, creditor_iban, amount_cents, info,
       (count(*) over block)::int as block_orders, (sum(amount_cents) over block)::bigint as block_cents
from payout
where bulk = sqlc.arg(bulk)::int
window block as (partition by debtor_iban, debtor_name, debtor_bic)
order by debtor_iban collate "C", debtor_name collate "C", debtor_bic collate "C", number;

-- name: OwnOrderOfBulk :one
select o.ref_externe, o.amount_cents, o.info from transfer_order o where o.bulk = sqlc.arg(bulk)::int;

-- One dispatcher at a time hands over, so that the bank receives bulks in their
-- order, and none twice from two workers at once.
-- name: LockChannel :exec
select pg_advisory_lock(sqlc.arg(key)::bigint);

-- name: UnlockChannel :exec
select pg_advisory_unlock(sqlc.arg(key)::bigint);

-- The next bulk to be handed over, own transfers first: décantonnement brings
-- what payouts need. One that this run ordered again is left to the next run.
-- name: NextToHandOver :one
select b.number, b.name, b.bulk_id::text as bulk_id, b.purpose, b.orders, b.amount_cents, b.due_date::text as due_date, b.attempted_at, b.state,
       b.created_at, coalesce(b.file_sha256, '') as file_sha256, coalesce(b.file_bytes, 0)::bigint as file_bytes
from bulk b
where b.state = 'PREPARED'
  and not exists (select from transfer_order o join batch x on x.id = o.batch
                  where o.bulk = b.number and b.vacation = sqlc.arg(vacation) and x.step = 'order-again')
order by b.purpose = 'PAYOUT', b.number
limit 1;

-- name: Bulk :one
select b.number, b.name, b.bulk_id::text as bulk_id, b.purpose, b.orders, b.amount_cents, b.due_date::text as due_date, b.attempted_at, b.state,
       b.created_at, coalesce(b.file_sha256, '') as file_sha256, coalesce(b.file_bytes, 0)::bigint as file_bytes
from bulk b where b.name = sqlc.arg(name);

-- name: UnknownBulks :many
select name from bulk where state = 'UNKNOWN' order by number;

-- Bulks of which nobody knows whether the bank has them: UNKNOWN ones, and those whose run is over, so that it does not
-- find out any more what became of its attempt.
-- name: OpenBulks :many
select b.name, b.attempted_at::timestamptz as attempted_at
from bulk b join vacation v on v.number = b.vacation
where b.state = 'UNKNOWN' or b.state = 'PREPARED' and b.attempted_at is not null and v.state <> 'RUNNING'
order by b.number;

-- name: Intend :execrows
update bulk
set attempted_at = sqlc.arg(attempted_at)::timestamptz,
    file_format = sqlc.arg(file_format), file_sha256 = sqlc.arg(file_sha256)::bytea, file_bytes = sqlc.arg(file_bytes)::bigint
where number = sqlc.arg(number) and state = 'PREPARED' and attempted_at is not distinct from sqlc.narg(before)::timestamptz;

-- name: WithdrawIntent :exec
update bulk set attempted_at = null, detail = sqlc.arg(detail)
where number = sqlc.arg(number) and state = 'PREPARED' and attempted_at = sqlc.arg(attempted_at)::timestamptz;

-- Only the outcome of the last attempt counts.
-- name: SettleBulk :execrows
update bulk
set state = sqlc.arg(state), detail = sqlc.arg(detail), settled_at = sqlc.narg(settled_at)::timestamptz
where number = sqlc.arg(number) and state in ('PREPARED', 'UNKNOWN') and attempted_at = sqlc.arg(attempted_at)::timestamptz;

-- name: SettlePayouts :exec
update payout set state = sqlc.arg(state)
where bulk = sqlc.arg(bulk)::int and state in ('PREPARED', 'UNKNOWN');

-- name: SettleOwnOrder :exec
update transfer_order set state = sqlc.arg(state)
where bulk = sqlc.arg(bulk)::int and state in ('PREPARED', 'UNKNOWN');

-- name: NoteDetail :exec
update bulk set detail = sqlc.arg(detail) where number = sqlc.arg(number) and state = 'UNKNOWN';

-- An operator's word on a bulk of unknown outcome. One that is to be handed
-- over again has no attempt any more: what an earlier one learns is too late.
-- name: DecideBulk :many
update bulk
set state = sqlc.arg(state), detail = sqlc.arg(detail), attempted_at = case when sqlc.arg(state)::text <> 'PREPARED' then attempted_at end
where name = sqlc.arg(name) and state = 'UNKNOWN'
returning number;

-- name: Outcomes :one
select (count(*) filter (where b.state in ('SENT', 'EXECUTED') and b.attempted_at >= sqlc.arg(since)))::int as sent,
       (count(*) filter (where b.state = 'REJECTED' and b.attempted_at >= sqlc.arg(since)))::int as rejected,
       (count(*) filter (where b.state = 'UNKNOWN'))::int as unknown,
       (count(*) filter (where b.state = 'PREPARED' and not exists
           (select from transfer_order o join batch x on x.id = o.batch
            where o.bulk = b.number and b.vacation = sqlc.arg(vacation) and x.step = 'order-again')))::int as remaining
from bulk b
where b.state in ('PREPARED', 'UNKNOWN') or b.attempted_at >= sqlc.arg(since);

-- Bulks that were rejected and whose money is not where it came from yet.
-- name: RejectedOwn :many
select b.number from bulk b
where b.state = 'REJECTED' and exists (select from transfer_order o where o.bulk = b.number and o.state not in ('REJECTED', 'EXECUTED'))
order by b.number;

-- name: RejectedPayouts :many
select p.number, coalesce(r.code, nullif(b.reject_code, ''), sqlc.arg(otherwise)::text)::text as code
from payout p
         join bulk b on b.number = p.bulk and b.state = 'REJECTED'
         left join payout_refusal r on r.payout = p.number
where p.state in ('PREPARED', 'UNKNOWN', 'SENT')
order by p.bulk, p.number
limit sqlc.arg(most)::int
for update of p;

-- name: BusinessDate :one
select business_date::text from vacation where number = sqlc.arg(number);

-- A bulk that may have left, and whose debit a statement shows. That of payouts may leave out some that the bank refused.
-- name: ShownByStatement :many
select b.number from bulk b
where b.attempted_at is not null and b.state in ('PREPARED', 'UNKNOWN')
  and exists (select from bank_line l
              where l.reference = b.name and l.class in ('REMITTANCE', 'OWN')
                and l.amount_cents in (-b.amount_cents, (select sum(p.amount_cents) from payout_refusal f join payout p on p.number = f.payout
                                                         where f.bulk = b.number) - b.amount_cents))
order by b.number
for update;

-- name: MarkSent :exec
update bulk set state = 'SENT', detail = sqlc.arg(detail) where number = sqlc.arg(number);

-- name: SentBulks :many
select b.attempted_at::timestamptz as attempted_at, b.due_date::text as due_date, count(p.number)::int as orders
from bulk b join payout p on p.bulk = b.number and p.state = 'SENT'
where b.state = 'SENT'
group by b.number;

-- name: ReportHash :one
select sha256 from bank_report where message_id = sqlc.arg(message_id);

-- The message of a bulk has its uuid without hyphens.
-- name: LockBulkReported :one
select number, name, purpose, state, orders, amount_cents, (attempted_at is not null)::boolean as attempted,
       (state = 'EXECUTED' or exists (select from bank_line l where l.reference = bulk.name and l.class in ('REMITTANCE', 'OWN') and l.amount_cents < 0))::boolean
           as debited
from bulk where replace(bulk_id::text, '-', '') = sqlc.arg(message_id)::text
for update;

-- name: BulkPayoutsByID :many
select number, end_to_end_id from payout
where bulk = sqlc.arg(bulk)::int and end_to_end_id = any (sqlc.arg(end_to_end_ids)::text[]) and state <> 'REJECTED';

-- The blocks of a file are its debtors, in the order of PayoutsByDebtor.
-- name: BulkPayoutsByBlock :many
select x.number, x.block
from (select p.number, p.state,
             case when sqlc.arg(one_block)::boolean then 0
                  else dense_rank() over (order by debtor_iban collate "C", debtor_name collate "C", debtor_bic collate "C") - 1
             end::int as block
      from payout p where p.bulk = sqlc.arg(bulk)::int) as x
where x.block = any (sqlc.arg(blocks)::int[]) and x.state <> 'REJECTED'
order by x.number;

-- name: InsertReport :one
insert into bank_report (message_id, bulk, format, status, reason, orders, unknown, file_name, sha256, vacation, read_at)
values (sqlc.arg(message_id), sqlc.arg(bulk), sqlc.arg(format), sqlc.arg(status), sqlc.arg(reason), sqlc.arg(orders),
        sqlc.arg(unknown), sqlc.arg(file_name), sqlc.arg(sha256), sqlc.arg(vacation), sqlc.arg(read_at))
returning number;

-- The first report that refuses an order counts.
-- name: KeepRefusals :exec
insert into payout_refusal (payout, bulk, report, code)
select unnest(sqlc.arg(payouts)::bigint[]), sqlc.arg(bulk)::int, sqlc.arg(report)::int, unnest(sqlc.arg(codes)::text[])
on conflict (payout) do nothing;

-- name: OrdersNotRefused :one
select count(*)::int from payout p
where p.bulk = sqlc.arg(bulk)::int and not exists (select from payout_refusal r where r.payout = p.number);

-- name: RejectBulk :exec
update bulk set state = 'REJECTED', reject_code = sqlc.arg(code), settled_at = sqlc.arg(settled_at)::timestamptz,
                detail = 'refused by the bank''s report'
where number = sqlc.arg(number) and state in ('PREPARED', 'UNKNOWN', 'SENT');

-- name: MarkLeft :exec
update bulk set state = 'SENT', detail = 'the bank''s report has it'
where number = sqlc.arg(number) and state in ('PREPARED', 'UNKNOWN');

-- name: ReportsSoFar :one
select count(*)::int as reports,
       (count(distinct b.number) filter (where b.state = 'REJECTED'))::int as rejected_bulks,
       (select count(*)::int from payout_refusal f join bank_report o on o.number = f.report join vacation w on w.number = o.vacation
        where w.kind = sqlc.arg(kind) and w.key = sqlc.arg(key)) as refused_orders
from bank_report r join vacation v on v.number = r.vacation join bulk b on b.number = r.bulk
where v.kind = sqlc.arg(kind) and v.key = sqlc.arg(key);
