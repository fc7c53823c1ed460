select o.purpose as kind, o.ref_externe as id, o.created_at as at, o.amount_cents as amount, o.state, v.kind || '/' || v.key as vacation,
       v.correlation_id || '' as correlation,
       d.code || ' to ' || c.code || ', due ' || o.due_date || coalesce(', bulk ' || k.name, '') || coalesce(', debited by ' || o.debit_line, '')
           || coalesce(', arrived by ' || o.credit_line, '') as detail
from transfer_order o
         join batch b on b.id = o.batch
         join vacation v on v.number = b.vacation
         join account d on d.id = o.debtor
         join account c on c.id = o.creditor
         left join bulk k on k.number = o.bulk
where o.number = any (@order::text[]::int[])
order by o.number
