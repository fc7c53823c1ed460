-- A number that no other form of the site, mode and day has, and the form: both or none.
-- name: Begin :one
with taken as (
    insert into payment_counter as counter (site_id, mode, utc_day, last)
    values (sqlc.arg(site_id), sqlc.arg(mode), sqlc.arg(utc_day)::date, 0)
    on conflict (site_id, mode, utc_day) do update set last = counter.last + 1
    returning counter.last
)
insert into payment_form (shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, customer,
                          invoice_prefix, invoice_piece, third_party, shown_at)
select sqlc.arg(shop)::text, sqlc.arg(site_id)::text, sqlc.arg(mode)::text, sqlc.arg(utc_day)::date, lpad(taken.last::text, 6, '0'),
       sqlc.arg(order_id)::text, sqlc.arg(amount_units)::bigint, sqlc.arg(currency)::text, sqlc.arg(plan)::text,
       sqlc.arg(customer)::text, sqlc.arg(invoice_prefix)::text, sqlc.arg(invoice_piece)::text, sqlc.arg(third_party)::text,
       sqlc.arg(shown_at)::timestamptz
from taken
returning number, trans_id;

-- Notifications of one transaction follow each other: what the next statement sees is all that came before.
-- name: Lock :exec
select pg_advisory_xact_lock(hashtextextended('payment/' || sqlc.arg(transaction)::text, 0));

-- What is known of a transaction and of an event: zeros and empty texts where there is nothing. The first notification is
-- that by which the transaction became known. The form is that of the transaction's number, or else the last one of the order.
-- name: Look :one
select coalesce(p.number, 0)::bigint       as payment,
       coalesce(p.state, '')::text         as state,
       coalesce(p.amount_units, 0)::bigint as amount_units,
       coalesce(p.currency, '')::text      as currency,
       coalesce(first.event_key, '')::text as first_key,
       coalesce(first.order_id, '')::text  as first_order_id,
       coalesce(first.fields ->> 'vads_currency', '')::text as first_currency,
       coalesce(seen.number, 0)::bigint    as seen,
       coalesce(seen.order_id, '')::text   as seen_order_id,
       coalesce(seen.fields ->> 'vads_amount', '')::text   as seen_amount,
       coalesce(seen.fields ->> 'vads_currency', '')::text as seen_currency,
       coalesce(seen.fields ->> 'vads_effective_currency', '')::text as seen_effective_currency,
       coalesce((select number from payment_notification
                 where event_key = sqlc.arg(conflict_key)::text), 0)::bigint as conflict,
       coalesce(form.number, 0)::bigint    as form,
       coalesce(form.order_id, '')::text   as form_order_id,
       coalesce(form.trans_id, '')::text   as form_trans_id,
       coalesce(form.amount_units, 0)::bigint as form_amount_units,
       coalesce(form.currency, '')::text   as form_currency,
       coalesce(form.plan, '')::text       as form_plan,
       coalesce(form.customer, '')::text   as form_customer,
       coalesce(form.shown_at, 'epoch')::timestamptz as form_shown_at
from (select 1) as one
left join payment p on p.key = sqlc.arg(transaction)::text
left join lateral (
    select n.event_key, n.order_id, n.fields from payment_notification n where n.payment = p.number order by n.number limit 1
) as first on true
left join payment_notification seen on seen.event_key = sqlc.arg(event_key)::text
left join payment_form form on form.number = coalesce(
    (select f.number from payment_form f
     where f.site_id = sqlc.arg(site_id)::text and f.mode = sqlc.arg(mode)::text
       and f.utc_day = sqlc.arg(utc_day)::date and f.trans_id = sqlc.arg(trans_id)::text),
    (select f.number from payment_form f
     where f.order_id = sqlc.arg(order_id)::text and f.site_id = sqlc.arg(site_id)::text and f.mode = sqlc.arg(mode)::text
     order by f.number desc limit 1));

-- The same event once more.
-- name: Repeat :exec
update payment_notification set repeats = repeats + 1, repeated_at = sqlc.arg(at)::timestamptz where number = sqlc.arg(number);

-- The first notification of a transaction.
-- name: KeepFirst :exec
with opened as (
    insert into payment (key, shop, site_id, mode, order_id, form, operation, sequence, customer, state, status, class,
                         amount_units, currency, authorisation, contract, paid_at, first_at, changed_at, doubt)
    values (sqlc.arg(key), sqlc.arg(shop), sqlc.arg(site_id), sqlc.arg(mode), sqlc.arg(order_id), sqlc.narg(form)::bigint,
            sqlc.arg(operation), sqlc.arg(sequence), sqlc.arg(customer), sqlc.arg(state), sqlc.arg(status), sqlc.arg(class),
            sqlc.arg(amount_units), sqlc.arg(currency), sqlc.arg(authorisation), sqlc.arg(contract), sqlc.narg(paid_at)::timestamptz,
            sqlc.arg(at)::timestamptz, sqlc.arg(at)::timestamptz, sqlc.arg(doubt))
    returning number
)
insert into payment_notification (shop, peer, received_at, outcome, level, reason, sha256, event_key, payment, order_id,
                                  customer, status, fields)
select sqlc.arg(shop)::text, sqlc.arg(peer)::inet, sqlc.arg(at)::timestamptz, sqlc.arg(outcome)::text, sqlc.arg(level)::text,
       sqlc.arg(reason)::text, sqlc.arg(sha256)::bytea, sqlc.arg(event_key)::text, opened.number, sqlc.arg(order_id)::text,
       sqlc.arg(customer)::text, sqlc.arg(status)::text, sqlc.arg(fields)::jsonb
from opened;

-- A further notification of a transaction, which it moves on, or casts doubt on, or leaves as it is. What it does not say
-- stays as it was said before.
-- name: KeepNext :exec
with moved as (
    update payment p
    set state         = case when sqlc.arg(moves)::boolean then sqlc.arg(state)::text else p.state end,
        status        = case when sqlc.arg(moves) then sqlc.arg(status)::text else p.status end,
        class         = case when sqlc.arg(moves) then sqlc.arg(class)::text else p.class end,
        amount_units  = case when sqlc.arg(moves) and sqlc.arg(currency)::text <> '' then sqlc.arg(amount_units)::bigint else p.amount_units end,
        currency      = case when sqlc.arg(moves) and sqlc.arg(currency) <> '' then sqlc.arg(currency) else p.currency end,
        authorisation = case when sqlc.arg(moves) and sqlc.arg(authorisation)::text <> '' then sqlc.arg(authorisation) else p.authorisation end,
        contract      = case when sqlc.arg(moves) and sqlc.arg(contract)::text <> '' then sqlc.arg(contract) else p.contract end,
        paid_at       = case when sqlc.arg(moves) then coalesce(sqlc.narg(paid_at)::timestamptz, p.paid_at) else p.paid_at end,
        form          = coalesce(p.form, sqlc.narg(form)::bigint),
        changed_at    = sqlc.arg(at)::timestamptz,
        doubt         = case when p.doubt = '' then sqlc.arg(doubt)::text else p.doubt end
    where p.number = sqlc.arg(payment) and (sqlc.arg(moves) or sqlc.arg(doubt) <> '')
)
insert into payment_notification (shop, peer, received_at, outcome, level, reason, sha256, event_key, payment, order_id,
                                  customer, status, fields)
values (sqlc.arg(shop), sqlc.arg(peer), sqlc.arg(at), sqlc.arg(outcome), sqlc.arg(level), sqlc.arg(reason), sqlc.arg(sha256),
        sqlc.arg(event_key)::text, sqlc.arg(payment)::bigint, sqlc.arg(order_id), sqlc.arg(customer), sqlc.arg(status),
        sqlc.arg(fields)::jsonb);

-- A message that is not believed: nothing that it says is kept.
-- name: KeepRefused :exec
insert into payment_notification (shop, peer, received_at, outcome, level, reason, sha256)
values (sqlc.arg(shop), sqlc.arg(peer), sqlc.arg(received_at), sqlc.arg(outcome), sqlc.arg(level), sqlc.arg(reason), sqlc.arg(sha256));
