-- name: Sweep :one
select position, done, count, cents from sweep where scope = sqlc.arg(scope) and step = sqlc.arg(step);

-- name: SaveSweep :exec
insert into sweep (scope, step, position, done, count, cents)
values (sqlc.arg(scope), sqlc.arg(step), sqlc.arg(position), sqlc.arg(done), sqlc.arg(count), sqlc.arg(cents))
on conflict (scope, step) do update
set position = excluded.position, done = excluded.done, count = excluded.count, cents = excluded.cents;
