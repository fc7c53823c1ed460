-- One call matches at a time: what a rule leaves, the next one takes up.
-- name: LockRound :exec
select pg_advisory_lock(hashtextextended('matching/round', 0));

-- name: UnlockRound :exec
select pg_advisory_unlock(hashtextextended('matching/round', 0));

-- Between two slices an operator may match, too.
-- name: LockMatches :exec
select pg_advisory_xact_lock(hashtextextended('matching', 0));

-- Statistics may be older than the lines of the last file, by which a table of a million rows seems to have none.
-- name: PreferIndexes :exec
select set_config('enable_seqscan', 'off', true);

-- name: NewNotifications :many
select number from payment_notification where handled_at is null and outcome = 'ACCEPTED' order by number limit sqlc.arg(most);

-- name: Handled :exec
update payment_notification set handled_at = sqlc.arg(handled_at)::timestamptz
where number = any (sqlc.arg(numbers)::bigint[]) and handled_at is null;

-- A match stands, whatever becomes of the payment: the line has come.
-- name: DoubtLost :exec
update payment set doubt = sqlc.arg(doubt)::text where matched and not settles and doubt = '';

-- The last payment of the next slice, 0 when there is none.
-- name: SliceEnd :one
select coalesce(max(number), 0)::bigint
from (select number from payment where settles and not matched and number > sqlc.arg(after) order by number limit sqlc.arg(most)) as slice;

-- For each rule: the lines that a payment may have (two are too many already), and of the only ones those that no other
-- payment may have. Lines and payments that are found so are in no other pair, so that the order of slices is no matter. What is
-- searched for by the reference or the order is searched for by nothing else first (offset 0): of an amount there are too many.

-- The acquirer gives the gateway's own identifier, or an authorisation, of which the same may come again on another day.
-- name: MatchReferences :execrows
with own as (
    select unnest(sqlc.arg(shops)::text[]) as shop, unnest(sqlc.arg(contracts)::text[]) as contract
), pair as (
    select p.number, p.shop, p.site_id || ':' || p.mode || ':' as site, l.settlement, l.line, l.amount_cents, lower(l.acquirer_ref) as reference,
           (l.transaction_at at time zone 'Europe/Paris')::date as day, count(*) over (partition by p.number) as choices
    from payment p
    cross join lateral (
        select m.settlement, m.line, m.amount_cents, m.acquirer_ref, m.transaction_at
        from (select * from payment_line
              where not matched and acquirer_ref <> ''
                and lower(acquirer_ref) in (case when split_part(p.key, ':', 4) = '' then split_part(p.key, ':', 3) end,
                                            nullif(lower(p.authorisation), ''))
              offset 0) as m join own on own.contract = m.contract and own.shop = p.shop
        where (p.key = p.site_id || ':' || p.mode || ':' || lower(m.acquirer_ref)
               or (m.transaction_at at time zone 'Europe/Paris')::date - (p.paid_at at time zone 'Europe/Paris')::date
                      between 0 and sqlc.arg(days)::int)
          and m.amount_cents between p.amount_units - sqlc.arg(tolerance)::bigint and p.amount_units + sqlc.arg(tolerance)
          and (m.amount_cents > 0) = (p.amount_units > 0)
          and not exists (select from payment_apart a where a.payment = p.number and a.settlement = m.settlement and a.line = m.line)
        limit 2
    ) as l
    where p.settles and not p.matched and p.number > sqlc.arg(after) and p.number <= sqlc.arg(upto)
), found as (
    insert into payment_match (payment, settlement, line, rule, matched_at)
    select pair.number, pair.settlement, pair.line, 'reference', sqlc.arg(matched_at)::timestamptz
    from pair
    where pair.choices = 1 and not exists (
        select from (select * from (select * from payment where key = pair.site || pair.reference offset 0) as k
                     where k.settles and not k.matched
                     union all
                     select * from (select * from payment
                                    where settles and not matched and authorisation <> '' and lower(authorisation) = pair.reference offset 0) as r
                     where pair.day - (r.paid_at at time zone 'Europe/Paris')::date between 0 and sqlc.arg(days)::int) as q
        where q.shop = pair.shop and q.number <> pair.number
          and q.amount_units between pair.amount_cents - sqlc.arg(tolerance)::bigint and pair.amount_cents + sqlc.arg(tolerance)
          and (q.amount_units > 0) = (pair.amount_cents > 0)
          and not exists (select from payment_apart a where a.payment = q.number and a.settlement = pair.settlement and a.line = pair.line))
    returning payment, settlement, line
), taken as (
    update payment_line l set matched = true from found where l.settlement = found.settlement and l.line = found.line
)
update payment p set matched = true from found where p.number = found.payment;

-- name: MatchOrders :execrows
with own as (
    select unnest(sqlc.arg(shops)::text[]) as shop, unnest(sqlc.arg(contracts)::text[]) as contract
), pair as (
    select p.number, p.shop, l.settlement, l.line, l.amount_cents, l.orders, count(*) over (partition by p.number) as choices
    from payment p
    cross join lateral (
        select m.settlement, m.line, m.amount_cents, m.orders
        from (select * from payment_line
              where not matched and orders <> '' and string_to_array(orders, ' ') @> array[p.order_id]
              offset 0) as m join own on own.contract = m.contract and own.shop = p.shop
        where m.amount_cents between p.amount_units - sqlc.arg(tolerance)::bigint and p.amount_units + sqlc.arg(tolerance)
          and (m.amount_cents > 0) = (p.amount_units > 0)
          and not exists (select from payment_apart a where a.payment = p.number and a.settlement = m.settlement and a.line = m.line)
        limit 2
    ) as l
    where p.settles and not p.matched and p.number > sqlc.arg(after) and p.number <= sqlc.arg(upto) and p.order_id <> ''
), found as (
    insert into payment_match (payment, settlement, line, rule, matched_at)
    select pair.number, pair.settlement, pair.line, 'order', sqlc.arg(matched_at)::timestamptz
    from pair
    where pair.choices = 1 and not exists (
        select from (select * from payment
                     where settles and not matched and order_id = any (string_to_array(pair.orders, ' ')) offset 0) as q
        where q.shop = pair.shop and q.number <> pair.number
          and q.amount_units between pair.amount_cents - sqlc.arg(tolerance)::bigint and pair.amount_cents + sqlc.arg(tolerance)
          and (q.amount_units > 0) = (pair.amount_cents > 0)
          and not exists (select from payment_apart a where a.payment = q.number and a.settlement = pair.settlement and a.line = pair.line))
    returning payment, settlement, line
), taken as (
    update payment_line l set matched = true from found where l.settlement = found.settlement and l.line = found.line
)
update payment p set matched = true from found where p.number = found.payment;

-- Days are Paris's.
-- name: MatchAmounts :execrows
with own as (
    select unnest(sqlc.arg(shops)::text[]) as shop, unnest(sqlc.arg(contracts)::text[]) as contract
), pair as (
    select p.number, p.shop, l.settlement, l.line, l.contract, l.amount_cents, (l.transaction_at at time zone 'Europe/Paris')::date as day,
           count(*) over (partition by p.number) as choices
    from payment p
    cross join lateral (
        select m.settlement, m.line, m.contract, m.amount_cents, m.transaction_at
        from payment_line m join own on own.contract = m.contract and own.shop = p.shop
        where not m.matched and p.contract in ('', m.contract)
          and m.transaction_at >= (p.paid_at at time zone 'Europe/Paris')::date::timestamp at time zone 'Europe/Paris'
          and m.transaction_at
              < ((p.paid_at at time zone 'Europe/Paris')::date + (sqlc.arg(days)::int + 1))::timestamp at time zone 'Europe/Paris'
          and m.amount_cents between p.amount_units - sqlc.arg(tolerance)::bigint and p.amount_units + sqlc.arg(tolerance)
          and (m.amount_cents > 0) = (p.amount_units > 0)
          and not exists (select from payment_apart a where a.payment = p.number and a.settlement = m.settlement and a.line = m.line)
        limit 2
    ) as l
    where p.settles and not p.matched and p.number > sqlc.arg(after) and p.number <= sqlc.arg(upto)
), found as (
    insert into payment_match (payment, settlement, line, rule, matched_at)
    select pair.number, pair.settlement, pair.line, 'amount-date', sqlc.arg(matched_at)::timestamptz
    from pair
    where pair.choices = 1 and not exists (
        select from payment q
        where q.settles and not q.matched and q.shop = pair.shop and q.number <> pair.number and q.contract in ('', pair.contract)
          and q.paid_at >= (pair.day - sqlc.arg(days)::int)::timestamp at time zone 'Europe/Paris'
          and q.paid_at < (pair.day + 1)::timestamp at time zone 'Europe/Paris'
          and q.amount_units between pair.amount_cents - sqlc.arg(tolerance)::bigint and pair.amount_cents + sqlc.arg(tolerance)
          and (q.amount_units > 0) = (pair.amount_cents > 0)
          and not exists (select from payment_apart a where a.payment = q.number and a.settlement = pair.settlement and a.line = pair.line))
    returning payment, settlement, line
), taken as (
    update payment_line l set matched = true from found where l.settlement = found.settlement and l.line = found.line
)
update payment p set matched = true from found where p.number = found.payment;

-- name: LatePayments :one
select count(*)::int from payment
where settles and not matched and shop = any (sqlc.arg(shops)::text[]) and coalesce(paid_at, first_at) < sqlc.arg(before)::timestamptz;

-- name: LateLines :one
select count(*)::int from payment_line
where not matched and contract = any (sqlc.arg(contracts)::text[]) and loaded_at < sqlc.arg(before)::timestamptz;

-- A form is open while nothing final was told of it.
-- name: OpenForms :one
select count(*)::int from payment_form f
where f.shown_at >= sqlc.arg(since)::timestamptz and f.shown_at < sqlc.arg(before)::timestamptz
  and not exists (select from payment p where p.form = f.number and p.state not in ('', 'PENDING'));

-- name: ListPayments :many
select number, shop, order_id, key, operation, status, amount_units, authorisation, contract, coalesce(paid_at, first_at)::timestamptz as paid_at,
       doubt
from payment
where settles and not matched and coalesce(paid_at, first_at) >= sqlc.arg(since)::timestamptz
order by number desc
limit sqlc.arg(most);

-- name: ListLines :many
select s.reference, l.line, l.cre_id, l.contract, l.amount_cents, l.transaction_at, l.acquirer_ref, l.label, l.loaded_at
from payment_line l join settlement s on s.number = l.settlement
where not l.matched and l.loaded_at >= sqlc.arg(since)::timestamptz
order by l.settlement desc, l.line
limit sqlc.arg(most);

-- name: ListForms :many
select f.number, f.shop, f.order_id, f.trans_id, f.amount_units, f.currency, f.shown_at
from payment_form f
where f.shown_at >= sqlc.arg(since)::timestamptz and f.shown_at < sqlc.arg(before)::timestamptz
  and not exists (select from payment p where p.form = f.number and p.state not in ('', 'PENDING'))
order by f.number desc
limit sqlc.arg(most);

-- name: LockPayment :one
select settles, matched, order_id, status, amount_units, currency from payment where number = sqlc.arg(number) for update;

-- name: LockLine :one
select l.settlement, l.matched, l.amount_cents
from payment_line l join settlement s on s.number = l.settlement
where s.reference = sqlc.arg(reference) and l.line = sqlc.arg(line)
for update of l;

-- name: MatchOf :one
select m.settlement, m.line, m.rule, s.reference
from payment_match m join settlement s on s.number = m.settlement
where m.payment = sqlc.arg(payment);

-- name: InsertMatch :exec
insert into payment_match (payment, settlement, line, rule, actor, matched_at)
values (sqlc.arg(payment), sqlc.arg(settlement), sqlc.arg(line), sqlc.arg(rule), sqlc.arg(actor), sqlc.arg(matched_at));

-- name: DeleteMatch :exec
delete from payment_match where payment = sqlc.arg(payment);

-- name: KeepApart :exec
insert into payment_apart (payment, settlement, line) values (sqlc.arg(payment), sqlc.arg(settlement), sqlc.arg(line))
on conflict do nothing;

-- name: MarkPayment :exec
update payment set matched = sqlc.arg(matched) where number = sqlc.arg(number);

-- name: MarkLine :exec
update payment_line set matched = sqlc.arg(matched) where settlement = sqlc.arg(settlement) and line = sqlc.arg(line);
