-- CPs whose automatic payout falls due, in the order of their identifiers.
-- name: DueCPs :many
select m.account_id, m.account, m.legal_name, m.cp_iban, m.cp_bic, m.external_iban, m.external_bic, m.external_name,
       m.reserve_cents, m.min_payout_cents, m.payout_ceiling_cents,
       (a.credit_cents - a.debit_cents)::bigint as balance,
       coalesce((select sum(d.remaining_cents) from debt d where d.siret = m.siret and d.remaining_cents > 0), 0)::bigint as open_debt
from merchant m
join account a on a.id = m.account
where m.account_id > sqlc.arg(after) and m.status = 'ACTIVE' and m.payout_mode = 'AUTO'
  and m.payout_frequency = any (sqlc.arg(frequencies)::text[])
order by m.account_id
limit sqlc.arg(most);
