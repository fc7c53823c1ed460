-- name: Parts :many
select part, sales, sales_cents, others, others_cents, commission_cents
from settlement_part
where settlement = sqlc.arg(settlement)
order by part;

-- name: InsertParts :exec
insert into settlement_part (settlement, part, sales, sales_cents, others, others_cents, commission_cents)
select sqlc.arg(settlement), unnest(sqlc.arg(parts)::int[]), unnest(sqlc.arg(sales)::int[]), unnest(sqlc.arg(sales_cents)::bigint[]),
       unnest(sqlc.arg(others)::int[]), unnest(sqlc.arg(others_cents)::bigint[]), unnest(sqlc.arg(commission_cents)::bigint[]);
