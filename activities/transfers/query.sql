-- name: Settlement :one
select number, value_date::text as value_date, shortfall_cents, taken_cents from settlement where scope = sqlc.arg(scope);

-- name: InsertOrder :exec
insert into transfer_order (batch, ref_externe, bulk_id, purpose, state, debtor, creditor, amount_cents, due_date, info, created_at)
values (sqlc.arg(batch), sqlc.arg(ref_externe), sqlc.arg(bulk_id)::text::uuid, sqlc.arg(purpose), 'PREPARED', sqlc.arg(debtor),
        sqlc.arg(creditor), sqlc.arg(amount_cents), sqlc.arg(due_date)::text::date, sqlc.arg(info), sqlc.arg(created_at));
