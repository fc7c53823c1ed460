-- name: InsertSettlement :exec
insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
values (sqlc.arg(reference), sqlc.arg(scope), sqlc.arg(kind), sqlc.arg(operation_type), sqlc.arg(amount_cents),
        sqlc.arg(bank_line), sqlc.arg(bank_line_sha256), sqlc.arg(value_date)::text::date)
on conflict (reference) do nothing;

-- name: LockSettlement :one
select number, scope, bank_line_sha256 from settlement where reference = sqlc.arg(reference) for update;

-- name: LastRun :one
select number, run, state, workflow_run, correlation_id::text as correlation_id, started_at, last_seq
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
select kind, key, state, correlation_id::text as correlation_id, last_seq from vacation where number = sqlc.arg(number) for update;

-- name: EndVacation :exec
update vacation set state = 'ENDED', ended_at = sqlc.arg(ended_at) where number = sqlc.arg(number);

-- name: FailVacation :exec
update vacation
set state = 'ENDED_WITH_ERROR', ended_at = sqlc.arg(ended_at), failure_code = sqlc.arg(code)::text,
    failure_step = sqlc.arg(step)::text, failure_message = sqlc.arg(message)::text
where number = sqlc.arg(number);

-- name: Settlement :one
select number, reference, amount_cents, value_date::text as value_date, coalesce(file_sha256, '') as file_sha256,
       coalesce(line_count, 0)::int as line_count, coalesce(gross_cents, 0)::bigint as gross_cents,
       coalesce(commission_cents, 0)::bigint as commission_cents,
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

-- name: SettlementSettled :exec
update settlement set settled_at = sqlc.arg(settled_at) where scope = sqlc.arg(scope);

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

-- name: AccountBalance :one
select (credit_cents - debit_cents)::bigint as balance from account where code = sqlc.arg(code);
