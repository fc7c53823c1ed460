-- name: InsertDay :exec
insert into day (date, run, parameters_sha256, workflow_run, started_at)
values (sqlc.arg(date)::text::date, sqlc.arg(run), sqlc.arg(parameters_sha256), sqlc.arg(workflow_run), sqlc.arg(started_at))
on conflict (date, run) do nothing;

-- name: LockDay :one
select parameters_sha256, workflow_run, started_at from day
where date = sqlc.arg(date)::text::date and run = sqlc.arg(run)
for update;

-- name: AdoptDay :exec
update day set workflow_run = sqlc.arg(workflow_run), ended_at = null, outcome = ''
where date = sqlc.arg(date)::text::date and run = sqlc.arg(run);

-- name: CloseDay :execrows
update day set ended_at = coalesce(ended_at, sqlc.arg(ended_at)::timestamptz), outcome = sqlc.arg(outcome)
where date = sqlc.arg(date)::text::date and run = sqlc.arg(run);
