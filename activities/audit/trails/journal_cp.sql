-- All entries of payment accounts, the last first.
select e.kind, 'batch ' || e.batch || ', entry ' || e.ordinal as id, b.posted_at as at, e.amount_cents as amount, '' as state,
       coalesce(v.kind || '/' || v.key, b.scope) as vacation, coalesce(v.correlation_id || '', '') as correlation,
       'Dr ' || d.code || ' / Cr ' || c.code || coalesce(', line ' || e.line, '') as detail
from (select * from entry
      where debit = any (array(select account from merchant where account_id = any (@cp::text[])))
         or credit = any (array(select account from merchant where account_id = any (@cp::text[])))) as e
         join batch b on b.id = e.batch
         left join vacation v on v.number = b.vacation
         join account d on d.id = e.debit
         join account c on c.id = e.credit
order by e.batch desc, e.ordinal desc
