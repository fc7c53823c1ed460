with paid as (
    select number from payment where number = any (@payment::text[]::bigint[])
    union
    -- Of a card line, the payment that it settles.
    select payment from payment_match where @narrow::bool and settlement = any (@settlement::text[]::int[]) and line = @card_line
)
select 'FORM' as kind, f.order_id as id, f.shown_at as at, case when f.currency = '978' then f.amount_units end as amount, 'SHOWN' as state,
       '' as vacation, '' as correlation,
       'form ' || f.number || ' of shop ' || f.shop || ', transaction ' || f.trans_id || ' of ' || f.utc_day || ', ' || f.plan
           || case when f.invoice_piece = '' then '' else ', invoice ' || f.invoice_prefix || f.invoice_piece end as detail, 1 as rank, f.number
from payment_form f
where f.number = any (@form::text[]::bigint[]) or f.number in (select form from payment where number in (select number from paid))
union all
select 'NOTIFICATION', n.number || '', n.received_at, null, n.outcome, '', '',
       'payment ' || n.payment || ' ' || n.status || case n.repeats when 0 then '' else ', came ' || n.repeats + 1 || ' times' end
           || case when n.reason = '' then '' else ': ' || n.reason end, 2, n.number
from payment_notification n
where n.payment in (select number from paid)
union all
select 'PAYMENT', p.order_id, p.paid_at, case when p.currency = '978' then p.amount_units end, p.status, '', '',
       'payment ' || p.number || ', transaction ' || p.key || ', ' || p.operation || ', ' || p.class
           || case when p.settles and not p.matched then ', no line settles it' else '' end
           || case when p.doubt = '' then '' else ', in doubt: ' || p.doubt end, 3, p.number
from payment p
where p.number in (select number from paid)
union all
select 'LINE', l.cre_id, l.transaction_at, l.amount_cents, 'MATCHED', s.scope, '',
       'line ' || l.line || ' of ' || s.reference || ' settles payment ' || m.payment || ', by ' || m.rule
           || case when m.actor = '' then '' else ' ' || m.actor end, 4, m.payment
from payment_match m
         join payment_line l on l.settlement = m.settlement and l.line = m.line
         join settlement s on s.number = l.settlement
where m.payment in (select number from paid)
union all
select 'POSTING', e.label, e.planned_at, e.amount_cents, e.state, '', '',
       'posting ' || e.number || ' to the ERP' || case when e.detail = '' then '' else ': ' || e.detail end, 5, e.number
from erp_posting e
where e.kind = 'PAYMENT' and e.reference in (select key from payment where number in (select number from paid))
order by rank, number
