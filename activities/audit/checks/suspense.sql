-- Suspense accounts, and those of rejected transfers that came back, are empty,
-- but for those of settlements that are not settled yet.
select a.code as place,
       (a.credit_cents - a.debit_cents) * 0.01 || '' as found,
       case when s.number is null then '0.00: there is no such settlement' else '0.00: it is settled' end as expected
from account a
         left join settlement s on a.code = a.class || '.' || s.reference
where a.class in ('TR.SET', 'TR.REJ')
  and a.credit_cents <> a.debit_cents
  and (s.number is null or s.settled_at is not null)
order by a.code
