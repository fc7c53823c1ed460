-- When a notification came: from where a list goes on.
-- name: Place :one
select received_at from payment_notification where number = sqlc.arg(number);

-- Notifications, newest first.
-- name: List :many
select n.number, n.shop, n.received_at, n.outcome, n.level, n.reason, n.order_id, n.customer, n.status, n.payment, n.repeats,
       coalesce(n.fields ->> 'vads_operation_type', '')::text     as operation,
       coalesce(n.fields ->> 'vads_amount', '')::text             as amount,
       coalesce(n.fields ->> 'vads_currency', '')::text           as currency,
       coalesce(n.fields ->> 'vads_effective_amount', '')::text   as effective_amount,
       coalesce(n.fields ->> 'vads_effective_currency', '')::text as effective_currency
from payment_notification n
where (sqlc.narg(shop)::text is null or n.shop = sqlc.narg(shop))
  and (sqlc.narg(outcome)::text is null or n.outcome = sqlc.narg(outcome))
  and (sqlc.narg(status)::text is null or n.status = sqlc.narg(status))
  and (sqlc.narg(customer)::text is null or n.customer = sqlc.narg(customer))
  and (sqlc.narg(order_id)::text is null or n.order_id = sqlc.narg(order_id))
  and (sqlc.narg(since)::timestamptz is null or n.received_at >= sqlc.narg(since))
  and (sqlc.narg(until)::timestamptz is null or n.received_at < sqlc.narg(until))
  and (sqlc.narg(after_at)::timestamptz is null
       or (n.received_at, n.number) < (sqlc.narg(after_at)::timestamptz, sqlc.arg(after_number)::bigint))
order by n.received_at desc, n.number desc
limit sqlc.arg(most);

-- name: Notification :one
select n.number, n.received_at, n.shop, n.peer, n.outcome, n.level, n.reason, n.sha256, n.event_key, n.payment, n.order_id,
       n.customer, n.status, n.fields, n.repeats, n.repeated_at, n.handled_at
from payment_notification n
where n.number = sqlc.arg(number);

-- name: Transaction :one
select p.number, p.key, p.shop, p.site_id, p.mode, p.order_id, p.form, p.operation, p.sequence, p.customer, p.state, p.status, p.class,
       p.amount_units, p.currency, p.authorisation, p.contract, p.paid_at, p.first_at, p.changed_at, p.doubt
from payment p
where p.number = sqlc.arg(number);

-- The notifications of a transaction, in the order in which they came.
-- name: History :many
select n.number, n.received_at, n.outcome, n.level, n.reason, n.status, n.repeats, n.repeated_at, n.handled_at
from payment_notification n
where n.payment = sqlc.arg(payment)::bigint
order by n.number
limit sqlc.arg(most);

-- name: Form :one
select f.number, f.shown_at, f.shop, f.site_id, f.mode, f.utc_day, f.trans_id, f.order_id, f.amount_units, f.currency, f.plan, f.customer,
       f.invoice_prefix, f.invoice_piece, f.third_party
from payment_form f
where f.number = sqlc.arg(number);

-- name: Match :one
select m.rule, m.actor, m.matched_at, m.settlement, m.line, s.reference, l.cre_id, l.contract, l.amount_cents, l.transaction_at,
       l.acquirer_ref
from payment_match m
join payment_line l on l.settlement = m.settlement and l.line = m.line
join settlement s on s.number = m.settlement
where m.payment = sqlc.arg(payment)::bigint;

-- Transactions that a card line is to settle, and none does, newest first.
-- name: UnmatchedPayments :many
select p.number, p.shop, p.order_id, p.customer, p.operation, p.status, p.amount_units, p.currency, p.authorisation, p.contract,
       p.paid_at, p.first_at, p.doubt,
       coalesce((select max(n.number) from payment_notification n where n.payment = p.number), 0)::bigint as notification
from payment p
where p.settles and not p.matched
  and (sqlc.narg(after)::bigint is null or p.number < sqlc.narg(after))
order by p.number desc
limit sqlc.arg(most);

-- Card lines of our shops of which no payment is known, newest first.
-- name: UnmatchedLines :many
select l.settlement, l.line, s.reference, l.contract, l.amount_cents, l.transaction_at, l.acquirer_ref, l.label
from payment_line l
join settlement s on s.number = l.settlement
where not l.matched
  and (sqlc.narg(after_settlement)::integer is null
       or (l.settlement, l.line) < (sqlc.narg(after_settlement)::integer, sqlc.arg(after_line)::integer))
order by l.settlement desc, l.line desc
limit sqlc.arg(most);

-- Forms of which nothing final was told, newest first.
-- name: OpenForms :many
select f.number, f.shop, f.order_id, f.customer, f.trans_id, f.amount_units, f.currency, f.plan, f.shown_at
from payment_form f
where f.shown_at >= sqlc.arg(shown_from)::timestamptz and f.shown_at < sqlc.arg(shown_before)::timestamptz
  and not exists (select from payment p where p.form = f.number and p.state not in ('', 'PENDING'))
  and (sqlc.narg(after)::bigint is null or f.number < sqlc.narg(after))
order by f.number desc
limit sqlc.arg(most);
