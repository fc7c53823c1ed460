select coalesce(a.code, 'DEBT.' || d.siret) as place,
       'the account holds ' || (coalesce(a.debit_cents, 0) - coalesce(a.credit_cents, 0)) * 0.01 as found,
       coalesce(d.remaining, 0) * 0.01 || ' by the register' as expected
from (select * from account where class = 'DEBT') as a
         full join (select siret, sum(remaining_cents) as remaining from debt group by siret) as d on a.code = 'DEBT.' || d.siret
where coalesce(a.debit_cents, 0) - coalesce(a.credit_cents, 0) <> coalesce(d.remaining, 0)
order by place
