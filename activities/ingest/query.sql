-- name: LockSettlement :one
select number, reference, kind, operation_type, amount_cents, file_sha256,
       coalesce(line_count, 0)::int as line_count, coalesce(gross_cents, 0)::bigint as gross_cents,
       coalesce(commission_cents, 0)::bigint as commission_cents
from settlement
where scope = sqlc.arg(scope)
for update;

-- name: AcceptFile :exec
update settlement
set file_name = sqlc.arg(file_name)::text, file_sha256 = sqlc.arg(file_sha256), file_bytes = sqlc.arg(file_bytes)::bigint,
    line_count = sqlc.arg(line_count)::int, gross_cents = sqlc.arg(gross_cents)::bigint,
    commission_cents = sqlc.arg(commission_cents)::bigint, snapshot = sqlc.arg(snapshot)::int,
    posted_lines = sqlc.arg(parked_lines)::int
where number = sqlc.arg(number);

-- name: FileName :one
select coalesce(file_name, '') as file_name from settlement where scope = sqlc.arg(scope);

-- name: LastSnapshot :one
select coalesce(max(sequence), 0)::int from merchant_snapshot;

-- name: CPs :many
select account_id, account, siret, status from merchant;

-- name: SettledReference :one
select exists (select from settlement where reference = sqlc.arg(reference) and settled_at is not null);

-- name: SettledFile :one
select reference from settlement where file_sha256 = sqlc.arg(file_sha256);

-- name: KnownLines :many
select c.cre_id, c.line, s.reference
from cre_line c
join settlement s on s.number = c.settlement
where c.cre_id = any (sqlc.arg(cre_ids)::text[]);

-- name: ParkedLines :many
select line, reason from parked_line where settlement = sqlc.arg(settlement);
