-- name: InsertBatch :one
insert into batch (vacation, scope, step, item, input_sha256, posted_at)
values (nullif(sqlc.arg(vacation)::int, 0), sqlc.arg(scope), sqlc.arg(step), sqlc.arg(item), sqlc.arg(input_sha256), sqlc.arg(posted_at))
on conflict (scope, step, item) do nothing
returning id;

-- name: Batch :one
select id, input_sha256 from batch
where scope = sqlc.arg(scope) and step = sqlc.arg(step) and item = sqlc.arg(item);

-- name: InsertAccounts :exec
insert into account (code, class)
select unnest(sqlc.arg(codes)::text[]), unnest(sqlc.arg(classes)::text[])
on conflict (code) do nothing;

-- name: ReserveAccounts :many
select nextval('account_id_seq')::int as id from generate_series(1, sqlc.arg(count)::int);

-- name: AccountIDs :many
select code, id from account where code = any (sqlc.arg(codes)::text[]);

-- Rows are locked in the order of their ids, so that two transactions that
-- touch the same accounts wait for each other instead of locking each other up.
-- name: LockAccounts :many
select id, (credit_cents - debit_cents)::bigint as balance from account
where id = any (sqlc.arg(ids)::int[])
order by id
for no key update;

-- The locked rows are counted, which comes before any change, and not joined: how
-- many there are is not known when the statement is planned, and thousands would
-- be compared with thousands.
-- name: ApplyMovements :execrows
with locked as materialized (
    select id from account where id = any (sqlc.arg(ids)::int[]) order by id for no key update
)
update account as a
set debit_cents = a.debit_cents + m.debit, credit_cents = a.credit_cents + m.credit
from (select unnest(sqlc.arg(ids)::int[]) as id,
             unnest(sqlc.arg(debits)::bigint[]) as debit,
             unnest(sqlc.arg(credits)::bigint[]) as credit) as m
where a.id = m.id and (select count(*) from locked) > 0;

-- name: InsertEntries :exec
insert into entry (batch, ordinal, debit, credit, amount_cents, transaction_at, value_date, kind, label)
select sqlc.arg(batch)::bigint, unnest(sqlc.arg(ordinals)::int[]), unnest(sqlc.arg(debits)::int[]), unnest(sqlc.arg(credits)::int[]),
       unnest(sqlc.arg(amounts)::bigint[]), unnest(sqlc.arg(transaction_at)::timestamptz[]),
       unnest(sqlc.arg(value_dates)::text[])::date, unnest(sqlc.arg(kinds)::text[]), unnest(sqlc.arg(labels)::text[]);

-- name: AllocateSequence :one
update vacation set last_seq = last_seq + sqlc.arg(events)::bigint
where number = sqlc.arg(number) and state = 'RUNNING'
returning last_seq;

-- name: InsertEventBlock :execrows
insert into event_block (vacation, first_seq, last_seq, rendered, batch, environment, node, instant)
values (sqlc.arg(vacation), sqlc.arg(first_seq), sqlc.arg(last_seq), sqlc.arg(rendered),
        nullif(sqlc.arg(batch)::bigint, 0), sqlc.arg(environment)::text::"char", sqlc.arg(node), sqlc.arg(instant))
on conflict on constraint event_uid_unique do nothing;

-- name: InsertEvents :exec
insert into event (vacation, seq, type, params)
select sqlc.arg(vacation)::int, unnest(sqlc.arg(seqs)::bigint[]), unnest(sqlc.arg(types)::text[]), unnest(sqlc.arg(params)::text[]);

-- The bank accounts one by one, the others by class, each as credit less debit,
-- and what other rows promise: one statement, so that all are of one moment.
-- name: ReadBooks :many
select (case class when 'BK' then code else class end)::text as name,
       sum(credit_cents - debit_cents)::bigint as amount,
       (count(*) filter (where class = 'CP' and credit_cents < debit_cents))::bigint as below_zero
from account
group by 1
union all
select 'transit to clients', coalesce(sum(a.credit_cents - a.debit_cents), 0)::bigint, 0
from transfer_order o
join account a on a.code = 'TR.INT.' || o.ref_externe
where o.purpose in ('COVER', 'CANTONNEMENT', 'DECANTONNEMENT') and o.state <> 'EXECUTED'
union all
select 'transit to cantonnement', coalesce(sum(a.credit_cents - a.debit_cents), 0)::bigint, 0
from transfer_order o
join account a on a.code = 'TR.INT.' || o.ref_externe
where o.purpose = 'CANTONNEMENT' and o.state <> 'EXECUTED'
union all
select 'to clear', coalesce(sum(debit_cents - credit_cents), 0)::bigint, 0
from account
where class = 'TR.SET' and debit_cents > credit_cents
union all
select 'covers to order', coalesce(sum(s.shortfall_cents), 0)::bigint, 0
from settlement s
join vacation v on v.kind || '/' || v.key = s.scope and v.state = 'RUNNING'
where v.number <> sqlc.arg(except_vacation)
  and not exists (select from batch b where b.scope = s.scope and b.step = 'cover')
union all
select 'debts registered', coalesce(sum(remaining_cents), 0)::bigint, 0
from debt
where remaining_cents > 0;

-- name: LockRun :one
select number from vacation where number = sqlc.arg(number) and state = 'RUNNING' for update;

-- name: NextItem :one
select coalesce(max(item) + 1, 0)::int from batch where scope = sqlc.arg(scope) and step = sqlc.arg(step);
