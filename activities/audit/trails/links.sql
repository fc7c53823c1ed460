-- What the things of a trail hang together with, one step on.
select 'payout' as key, r.payout || '' as value
from bank_reject r join settlement s on s.number = r.settlement
where s.number = any (@settlement::text[]::int[]) and r.payout is not null
union all
select 'siret', substr(d.code, length('DEBT.') + 1)
from (select distinct e.debit
      from settlement s join batch b on b.scope = s.scope join entry e on e.batch = b.id and e.kind in ('COVER', 'UNPAID_DEBT')
      where s.number = any (@settlement::text[]::int[]) and not @narrow::bool
      limit @debts) as e
         join account d on d.id = e.debit
union all
select 'line', bank_line_id from settlement where number = any (@settlement::text[]::int[]) and bank_line_id <> ''
union all
select 'bulk', b.number || '' from settlement s join bulk b on b.name = s.reference where s.number = any (@settlement::text[]::int[])
union all
select 'whole', b.number || ''
from settlement s join bulk b on b.name = s.reference
where s.number = any (@settlement::text[]::int[]) and not @narrow::bool
union all
select 'bulk', number || '' from bulk where vacation = any (@run::text[]::int[])
union all
select 'order', number || '' from transfer_order where bulk = any (@bulk::text[]::int[])
union all
select 'order', number || ''
from transfer_order
where debit_line = any (@line::text[]) or credit_line = any (@line::text[])
union all
select k.key, k.value
from transfer_order o
         cross join lateral (values ('bulk', o.bulk || ''), ('line', o.debit_line), ('line', o.credit_line)) as k (key, value)
where o.number = any (@order::text[]::int[]) and k.value is not null
union all
select k.key, k.value
from payout p
         cross join lateral (values ('bulk', p.bulk || ''), ('line', p.debit_line), ('line', p.reject_line),
                                    ('request', p.payline_file || ':' || p.payline_line)) as k (key, value)
where p.ref_externe = any (@ref::text[]) and k.value is not null
union all
-- Of a card line, the cover that it made its merchant owe.
select 'order', o.number || ''
from settlement s join batch b on b.scope = s.scope join transfer_order o on o.batch = b.id
where s.number = any (@settlement::text[]::int[])
  and (not @narrow::bool or o.purpose = 'COVER' and cardinality(@siret::text[]) > 0)
