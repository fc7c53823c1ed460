-- name: DebtsToLookAt :many
select number, siret
from debt
where remaining_cents > 0 and looked_at_by <> sqlc.arg(scope)::text and created_at <= sqlc.arg(opened_by)
order by created_at, siret
limit sqlc.arg(at_most);

-- name: CPsOf :many
select siret, account_id, account
from merchant
where siret = any (sqlc.arg(sirets)::text[])
order by siret, account_id;

-- name: LockDebts :many
select number, siret, created_at, initial_cents, remaining_cents, coalesce(modified_at, created_at) as modified_at,
       (modified_at is not null)::boolean as modified
from debt
where number = any (sqlc.arg(numbers)::int[])
order by siret
for update;

-- name: SaveDebts :exec
update debt as d
set remaining_cents = s.remaining, modified_at = nullif(s.modified, '0001-01-01 00:00:00+00'), looked_at_by = sqlc.arg(scope)::text
from (select unnest(sqlc.arg(numbers)::int[]) as number,
             unnest(sqlc.arg(remainings)::bigint[]) as remaining,
             unnest(sqlc.arg(modified)::timestamptz[]) as modified) as s
where d.number = s.number;

-- name: Outcome :one
select (select count(*) from debt d where d.looked_at_by = sqlc.arg(scope)::text)::int as debts,
       (select count(*) from debt d
        where d.remaining_cents > 0 and d.looked_at_by <> sqlc.arg(scope)::text
          and d.created_at <= sqlc.arg(opened_by)::timestamptz)::int as left_over,
       (select coalesce(sum(e.amount_cents), 0) from batch b join entry e on e.batch = b.id
        where b.scope = sqlc.arg(scope)::text and b.step = sqlc.arg(step)::text and e.kind = 'RECOVERY')::bigint as recovered,
       (select coalesce(sum(d.remaining_cents), 0) from debt d where d.remaining_cents > 0)::bigint as remaining;

-- name: LongOpen :many
select created_at from debt where remaining_cents > 0 and created_at < sqlc.arg(before)::timestamptz;
