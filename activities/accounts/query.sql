-- name: InsertSettlement :exec
insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date, bank_line_id)
values (sqlc.arg(reference), sqlc.arg(scope), sqlc.arg(kind), sqlc.arg(operation_type), sqlc.arg(amount_cents),
        sqlc.arg(bank_line), sqlc.arg(bank_line_sha256), sqlc.arg(value_date)::text::date, sqlc.arg(bank_line_id))
on conflict (reference) do nothing;

-- name: LockSettlement :one
select number, scope, bank_line_sha256 from settlement where reference = sqlc.arg(reference) for update;

-- A line that is read from a statement only later is booked when it is read.
-- name: BookBankLine :exec
update bank_line set scope = sqlc.arg(scope)::text, batch = sqlc.arg(batch)::bigint
where id = sqlc.arg(id) and batch is null;

-- name: Settlement :one
select number, reference, kind, value_date::text as value_date, coalesce(file_sha256, '') as file_sha256,
       coalesce(line_count, 0)::int as line_count, coalesce(gross_cents, 0)::bigint as gross_cents,
       posted_lines, shortfall_cents, short_cps, taken_cents
from settlement
where scope = sqlc.arg(scope);

-- name: ChunksPosted :one
select count(*)::int from batch where scope = sqlc.arg(scope) and step = 'post';

-- name: AddPosted :exec
update settlement
set posted_lines = posted_lines + sqlc.arg(lines)::int, shortfall_cents = shortfall_cents + sqlc.arg(shortfall)::bigint,
    short_cps = short_cps + sqlc.arg(short_cps)::int, taken_cents = taken_cents + sqlc.arg(taken)::bigint
where number = sqlc.arg(number);

-- name: OpenDebts :many
select siret, created_at, initial_cents, remaining_cents, coalesce(modified_at, created_at) as modified_at,
       (modified_at is not null)::boolean as modified
from debt
where siret = any (sqlc.arg(sirets)::text[]) and remaining_cents > 0
order by siret
for update;

-- name: SaveDebts :exec
insert into debt (siret, created_at, initial_cents, remaining_cents, modified_at)
select unnest(sqlc.arg(sirets)::text[]), unnest(sqlc.arg(created_at)::timestamptz[]), unnest(sqlc.arg(initials)::bigint[]),
       unnest(sqlc.arg(remainings)::bigint[]), nullif(unnest(sqlc.arg(modified_at)::timestamptz[]), '0001-01-01 00:00:00+00')
on conflict (siret, created_at) do update
set initial_cents = excluded.initial_cents, remaining_cents = excluded.remaining_cents, modified_at = excluded.modified_at;
