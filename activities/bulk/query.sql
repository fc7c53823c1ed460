-- name: BusinessDate :one
select business_date::text from vacation where number = sqlc.arg(number);

-- name: NextInSeries :one
insert into bulk_series (prefix, day, last) values (sqlc.arg(prefix), sqlc.arg(day)::text::date, 1)
on conflict (prefix, day) do update set last = bulk_series.last + 1
returning last;

-- name: InsertBulk :one
insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at)
values (sqlc.arg(bulk_id)::text::uuid, sqlc.arg(name), sqlc.arg(purpose), 'PREPARED', sqlc.arg(vacation), sqlc.arg(orders),
        sqlc.arg(amount_cents), sqlc.arg(due_date)::text::date, sqlc.arg(created_at))
returning number;
