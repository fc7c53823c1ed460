-- Files of a session, the last one received first.
-- name: FilesOfSession :many
select number, sequence, file_name, coalesce(file_date::text, '')::text as file_date, sha256, movements, transfers, sum_cents,
       refused, (answered_at is not null)::boolean as answered
from payline_file
where scope = sqlc.arg(scope)
order by number desc;

-- name: AcceptedContent :one
select sequence, scope from payline_file where sha256 = sqlc.arg(sha256) and refused = '';

-- name: LastSequence :one
select coalesce(max(sequence), 0)::int from payline_file where refused = '';

-- name: InsertFile :one
insert into payline_file (scope, sequence, file_name, file_date, sha256, movements, transfers, sum_cents, refused, received_at)
values (sqlc.arg(scope), sqlc.arg(sequence), sqlc.arg(file_name), nullif(sqlc.arg(file_date)::text, '')::date, sqlc.arg(sha256),
        sqlc.arg(movements), sqlc.arg(transfers), sqlc.arg(sum_cents), sqlc.arg(refused), sqlc.arg(received_at))
on conflict (scope, sha256) do update set answered_at = null, refused = excluded.refused, received_at = excluded.received_at
    where payline_file.refused <> ''
returning number;

-- Every identifier that has the shape of one belongs to the first line that asked with it.
-- name: ClaimIDs :exec
insert into payline_id (end_to_end_id, file, line)
select distinct on (l.end_to_end_id) l.end_to_end_id, l.file, l.line from payline_line l
where l.file = sqlc.arg(file) and l.end_to_end_id ~ '^[0-9]{16}$'
order by l.end_to_end_id, l.line
on conflict (end_to_end_id) do nothing;

-- name: MarkSeen :execrows
update payline_line as l set seen = true
from payline_id as i
where l.file = sqlc.arg(file) and i.end_to_end_id = l.end_to_end_id and (i.file, i.line) <> (l.file, l.line);

-- name: OpenMovements :many
select sqlc.embed(l),
       d.account as debtor, coalesce(d.status, '')::text as debtor_status, coalesce(d.payout_mode, '')::text as debtor_mode,
       coalesce(d.cp_to_cp_allowed, false)::boolean as debtor_allowed,
       c.account as creditor, coalesce(c.status, '')::text as creditor_status, coalesce(c.payout_mode, '')::text as creditor_mode,
       coalesce(c.cp_to_cp_allowed, false)::boolean as creditor_allowed
from payline_line l
left join merchant d on d.account_id = l.debtor_cp
left join merchant c on c.account_id = l.creditor_cp
where l.file = sqlc.arg(file) and l.kind = 'MOVEMENT' and l.outcome is null
order by l.line
limit sqlc.arg(most);

-- name: OpenTransfers :many
select sqlc.embed(l),
       d.account as debtor, coalesce(d.status, '')::text as debtor_status, coalesce(d.payout_mode, '')::text as debtor_mode,
       coalesce(d.cp_to_cp_allowed, false)::boolean as debtor_allowed,
       coalesce(d.cp_iban, '')::text as cp_iban, coalesce(d.cp_bic, '')::text as cp_bic, coalesce(d.legal_name, '')::text as legal_name,
       coalesce(d.payout_ceiling_cents, 0)::bigint as ceiling
from payline_line l
left join merchant d on d.account_id = l.debtor_cp
where l.file = sqlc.arg(file) and l.kind = 'TRANSFER' and l.outcome is null and l.line > sqlc.arg(after)
order by l.line
limit sqlc.arg(most);

-- name: Movements :one
select count(*) filter (where outcome = 'ACCP') as accepted, count(*) filter (where outcome = 'RJCT') as rejected,
       coalesce(sum(amount_cents) filter (where outcome = 'ACCP'), 0)::bigint as accepted_sum
from payline_line
where file = sqlc.arg(file) and kind = 'MOVEMENT';

-- name: TransfersUpTo :one
select count(*) from payline_line where file = sqlc.arg(file) and kind = 'TRANSFER' and line <= sqlc.arg(line);

-- name: BusinessDate :one
select business_date::text as date from vacation where number = sqlc.arg(number);

-- name: Outcomes :one
select count(*) filter (where outcome = 'ACCP') as accepted, count(*) filter (where outcome = 'RJCT') as rejected,
       count(*) filter (where outcome is null) as undecided
from payline_line
where file = sqlc.arg(file);

-- name: Answers :many
select line, kind, end_to_end_id, debtor_cp, creditor_cp, creditor_iban, amount_cents, reject_code from payline_line
where file = sqlc.arg(file) and line > sqlc.arg(after)
order by line
limit sqlc.arg(most);

-- name: FileAnswered :exec
update payline_file set answered_at = sqlc.arg(answered_at) where number = sqlc.arg(number) and answered_at is null;
