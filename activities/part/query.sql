-- name: Cut :one
select coalesce(chunk_lines, 0)::int as chunk_lines, coalesce(batch_lines, 0)::int as batch_lines
from settlement
where number = sqlc.arg(settlement);

-- name: Parts :many
select part, sales, sales_cents, others, others_cents, commission_cents, sales_sha256, others_sha256
from settlement_part
where settlement = sqlc.arg(settlement)
order by part;

-- name: SetCut :exec
update settlement set chunk_lines = sqlc.arg(chunk_lines)::int, batch_lines = sqlc.arg(batch_lines)::int
where number = sqlc.arg(settlement);

-- name: InsertParts :exec
insert into settlement_part (settlement, part, sales, sales_cents, others, others_cents, commission_cents, sales_sha256, others_sha256)
select sqlc.arg(settlement), unnest(sqlc.arg(parts)::int[]), unnest(sqlc.arg(sales)::int[]), unnest(sqlc.arg(sales_cents)::bigint[]),
       unnest(sqlc.arg(others)::int[]), unnest(sqlc.arg(others_cents)::bigint[]), unnest(sqlc.arg(commission_cents)::bigint[]),
       unnest(sqlc.arg(sales_sha256)::bytea[]), unnest(sqlc.arg(others_sha256)::bytea[]);
