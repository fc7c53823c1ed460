-- What the ERP was told is what the books have: a payout's and a settlement's own
-- amount, each accepted under a transaction of its own, attempted anew by an
-- operator only, and taken to the bank by one deposit.
select d.place, d.found, d.expected
from (select e.number, 'posting ' || e.label as place, e.amount_cents * 0.01 || '' as found,
             coalesce(p.amount_cents * 0.01 || ' of its payout', 'a payout') as expected
      from erp_posting e left join payout p on p.ref_externe = e.reference
      where e.kind = 'PAYOUT' and p.amount_cents is distinct from e.amount_cents
      union all
      select e.number, 'posting ' || e.label, e.amount_cents * 0.01 || '', coalesce(s.amount_cents * 0.01 || ' of its settlement', 'a settlement')
      from erp_posting e left join settlement s on s.reference = e.reference and s.kind = 'TRANSACTION'
      where e.kind = 'SETTLEMENT' and s.amount_cents is distinct from e.amount_cents
      union all
      select e.number, 'posting ' || e.label, e.amount_cents * 0.01 || '', 'a card payment, and its direction'
      from erp_posting e left join payment p on p.key = e.reference and e.direction = case p.operation when 'CREDIT' then 2 else 1 end
      where e.kind = 'PAYMENT' and p.number is null
      union all
      select e.number, 'posting ' || e.label, 'transaction ' || e.transaction_id, 'not that of posting ' || f.label
      from erp_posting e join erp_posting f on f.dossier = e.dossier and f.transaction_id = e.transaction_id and f.number < e.number
      where e.transaction_id <> ''
      union all
      select e.number, 'posting ' || e.label, 'attempt ' || e.attempt, 'an act erp-retry of the attempt before'
      from erp_posting e left join erp_posting f on f.kind = e.kind and f.reference = e.reference and f.attempt = e.attempt - 1
      where e.attempt > 1 and not exists (select from operator_act o where o.act = 'erp-retry' and o.subject = f.label)
      union all
      select e.number, 'posting ' || e.label, 'item ' || p.label, 'in no other deposit than ' || f.label
      from erp_deposit_item i join erp_posting e on e.number = i.deposit and e.state not in ('REJECTED', 'INVALID')
           join erp_deposit_item j on j.item = i.item and j.deposit < i.deposit
           join erp_posting f on f.number = j.deposit and f.state not in ('REJECTED', 'INVALID')
           join erp_posting p on p.number = i.item) as d
order by d.number, d.found
