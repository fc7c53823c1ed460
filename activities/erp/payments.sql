-- Payments of which it is to be decided whether the ERP is told, and of what. Another planner waits here, and
-- goes past them.
-- name: PaymentsToPlan :many
select p.number, p.key, p.shop, p.operation, abs(p.amount_units)::bigint as amount_cents,
       (coalesce(p.paid_at, p.first_at) at time zone 'Europe/Paris')::date::text as paid_on,
       f.invoice_prefix, f.invoice_piece, f.third_party
from payment p join payment_form f on f.number = p.form
where p.settles and p.erp_at is null and p.doubt = '' and p.form is not null and p.shop = any (sqlc.arg(shops)::text[])
order by p.number
limit sqlc.arg(most)
for no key update of p;

-- name: PaymentsDecided :exec
update payment
set erp_at = sqlc.arg(decided_at)::timestamptz, erp_units = case when key = any (sqlc.arg(told)::text[]) then amount_units end
where number = any (sqlc.arg(numbers)::bigint[]);

-- A label that stands for another payment already is an error, not a conflict.
-- name: PlanPayments :execrows
insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, piece_prefix, piece,
                         posting_date, planned_at, state, class, detail, settled_at)
select 'PAYMENT', x.reference, 1, sqlc.arg(dossier), x.third_party, x.direction, sqlc.arg(means), x.amount_cents, x.label, x.piece_prefix,
       x.piece, x.posting_date::date, sqlc.arg(planned_at)::timestamptz,
       case when x.third_party = '' then 'INVALID' else 'PREPARED' end,
       case when x.third_party = '' then 'INVALID' else '' end,
       case when x.third_party = '' then sqlc.arg(no_third_party)::text else '' end,
       case when x.third_party = '' then sqlc.arg(planned_at)::timestamptz end
from (select unnest(sqlc.arg(reference)::text[]) as reference, unnest(sqlc.arg(third_party)::text[]) as third_party,
             unnest(sqlc.arg(direction)::smallint[]) as direction, unnest(sqlc.arg(amount_cents)::bigint[]) as amount_cents,
             unnest(sqlc.arg(label)::text[]) as label, unnest(sqlc.arg(piece_prefix)::text[]) as piece_prefix,
             unnest(sqlc.arg(piece)::text[]) as piece, unnest(sqlc.arg(posting_date)::text[]) as posting_date) as x
on conflict (kind, reference, attempt) do nothing;

-- What was told is not taken back by us: nobody knows yet whether the money moved.
-- name: DoubtTold :exec
update payment p set doubt = sqlc.arg(text)::text
where p.doubt = '' and p.erp_units <> case when p.settles then p.amount_units else 0 end
  and exists (select from erp_posting e where e.kind = 'PAYMENT' and e.reference = p.key and e.state not in ('REJECTED', 'INVALID'));

-- name: PaymentTold :exec
update payment set erp_units = amount_units where key = sqlc.arg(key);

-- name: PaymentNow :one
select p.shop, abs(p.amount_units)::bigint as amount_cents, coalesce(f.third_party, '')::text as third_party,
       (p.settles and p.doubt = '')::boolean as sound
from payment p left join payment_form f on f.number = p.form
where p.key = sqlc.arg(key);
