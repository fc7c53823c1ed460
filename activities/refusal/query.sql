-- name: LockPayouts :many
select number, source, ref_externe, end_to_end_id, account_id, debtor_name, debtor_bic, debtor_iban,
       creditor_name, creditor_bic, creditor_iban, amount_cents, due_date::text as due_date, info
from payout
where number = any (sqlc.arg(numbers)::bigint[]) and state in ('PREPARED', 'UNKNOWN', 'SENT') and debit_line is null
order by number
for update;

-- name: RejectPayouts :exec
update payout p set state = 'REJECTED', reason = r.code, settled_at = sqlc.arg(settled_at)::timestamptz
from (select unnest(sqlc.arg(numbers)::bigint[]) as number, unnest(sqlc.arg(codes)::text[]) as code) as r
where p.number = r.number;

-- The response to the Payline file says so where it is not written yet.
-- name: RejectPaylineLines :exec
update payline_line l set outcome = 'RJCT', reject_code = p.reason
from payout p join payline_file f on f.number = p.payline_file
where p.number = any (sqlc.arg(numbers)::bigint[]) and l.file = p.payline_file and l.line = p.payline_line and f.answered_at is null;
