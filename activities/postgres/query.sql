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

-- name: AccountIDs :many
select code, id from account where code = any (sqlc.arg(codes)::text[]);

-- Rows are locked in the order of their ids, so that two transactions that
-- touch the same accounts wait for each other instead of locking each other up.
-- name: LockAccounts :many
select id, (credit_cents - debit_cents)::bigint as balance from account
where id = any (sqlc.arg(ids)::int[])
order by id
for no key update;

-- name: ApplyMovements :execrows
update account as a
set debit_cents = a.debit_cents + m.debit, credit_cents = a.credit_cents + m.credit
from (select unnest(sqlc.arg(ids)::int[]) as id,
             unnest(sqlc.arg(debits)::bigint[]) as debit,
             unnest(sqlc.arg(credits)::bigint[]) as credit) as m
where a.id = m.id;

-- name: AllocateSequence :one
update vacation set last_seq = last_seq + sqlc.arg(events)::bigint
where number = sqlc.arg(number) and state = 'RUNNING'
returning last_seq;

-- name: InsertEventBlock :execrows
insert into event_block (vacation, first_seq, last_seq, rendered, batch, environment, node, instant)
values (sqlc.arg(vacation), sqlc.arg(first_seq), sqlc.arg(last_seq), sqlc.arg(rendered),
        nullif(sqlc.arg(batch)::bigint, 0), sqlc.arg(environment)::text::"char", sqlc.arg(node), sqlc.arg(instant))
on conflict on constraint event_uid_unique do nothing;

-- name: ReadBooks :one
select coalesce(sum(credit_cents - debit_cents) filter (where code = 'BK.REG'), 0)::bigint         as reglement,
       coalesce(sum(credit_cents - debit_cents) filter (where code = 'BK.CAN'), 0)::bigint         as cantonnement,
       coalesce(sum(credit_cents - debit_cents) filter (where code = 'BK.FON'), 0)::bigint         as fonctionnement,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'CP'), 0)::bigint            as cp,
       count(*) filter (where class = 'CP' and credit_cents < debit_cents)::bigint                 as cp_below_zero,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'TR.SET'), 0)::bigint        as suspense,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'TR.PARK'), 0)::bigint       as parked,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'TR.OUT'), 0)::bigint        as payouts,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'TR.REJ'), 0)::bigint        as rejects,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'TR.INT'), 0)::bigint        as transit,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'FEE'), 0)::bigint           as fees,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'DEBT'), 0)::bigint          as debts,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'PL'), 0)::bigint            as result,
       coalesce(sum(credit_cents - debit_cents) filter (where class = 'EQ'), 0)::bigint            as equity,
       coalesce((select sum(a.credit_cents - a.debit_cents)
                 from transfer_order o
                 join account a on a.code = 'TR.INT.' || o.ref_externe
                 where o.purpose = 'COVER'), 0)::bigint                                            as transit_to_clients,
       coalesce((select sum(s.shortfall_cents)
                 from settlement s
                 join vacation v on v.kind || '/' || v.key = s.scope and v.state = 'RUNNING'
                 where v.number <> sqlc.arg(except_vacation)
                   and not exists (select from batch b where b.scope = s.scope and b.step = 'cover')), 0)::bigint as covers_to_order,
       coalesce((select sum(remaining_cents) from debt where remaining_cents > 0), 0)::bigint       as debts_registered
from account;
