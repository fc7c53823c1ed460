-- name: LastRun :one
select number, run, state, workflow_run, correlation_id::text as correlation_id, started_at, last_seq, totals,
       parameters_sha256
from vacation
where kind = sqlc.arg(kind) and key = sqlc.arg(key)
order by run desc
limit 1;

-- name: InsertVacation :one
insert into vacation (kind, key, run, correlation_id, follows, business_date, parameters_sha256, workflow_run, state, started_at)
values (sqlc.arg(kind), sqlc.arg(key), sqlc.arg(run), sqlc.arg(correlation_id)::text::uuid,
        nullif(sqlc.arg(follows)::text, '')::uuid, sqlc.arg(business_date)::text::date,
        sqlc.arg(parameters_sha256), sqlc.arg(workflow_run), 'RUNNING', sqlc.arg(started_at))
returning number;

-- name: LockVacation :one
select kind, key, state, correlation_id::text as correlation_id, last_seq, totals
from vacation where number = sqlc.arg(number) for update;

-- name: EndVacation :exec
update vacation set state = 'ENDED', ended_at = sqlc.arg(ended_at), totals = sqlc.arg(totals) where number = sqlc.arg(number);

-- name: FailVacation :exec
update vacation
set state = 'ENDED_WITH_ERROR', ended_at = sqlc.arg(ended_at), failure_code = sqlc.arg(code)::text,
    failure_step = sqlc.arg(step)::text, failure_message = sqlc.arg(message)::text
where number = sqlc.arg(number);

-- One session is opened at a time, and créances and financière one at a time.
-- name: LockOpening :exec
select pg_advisory_xact_lock(sqlc.arg(key)::bigint);

-- name: RunningOfCash :many
select (kind || '/' || key)::text as id from vacation
where state = 'RUNNING' and kind in ('vacation-creances', 'vacation-financiere')
  and not (kind = sqlc.arg(kind) and key = sqlc.arg(key))
limit 1;

-- name: UnsettledAccounts :many
select code, (credit_cents - debit_cents)::bigint as balance from account
where code = any (sqlc.arg(codes)::text[]) and credit_cents <> debit_cents
order by code;

-- name: SettlementSettled :exec
update settlement set settled_at = sqlc.arg(settled_at) where scope = sqlc.arg(scope);
