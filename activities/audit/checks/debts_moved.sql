-- What a merchant's debts came to is what its DEBT account was debited with, by
-- covers and by unpaids that no CP bears; what is off them is what it was credited
-- with, by recoveries and write-offs.
select coalesce(a.code, 'DEBT.' || d.siret) as place,
       coalesce(d.initial, 0) * 0.01 || ' owed in all, ' || coalesce(d.initial - d.remaining, 0) * 0.01 || ' of it paid or written off, by the register' as found,
       coalesce(a.debit_cents, 0) * 0.01 || ' and ' || coalesce(a.credit_cents, 0) * 0.01 || ' by the account'
           || case when k.strange is null then '' else ', without ' || k.strange end as expected
from (select * from account where class = 'DEBT') as a
         full join (select siret, sum(initial_cents) as initial, sum(remaining_cents) as remaining from debt group by siret) as d
                   on a.code = 'DEBT.' || d.siret
         left join (select account, string_agg(distinct kind, ', ' order by kind) as strange
                    from (select e.debit as account, e.kind from entry e join account a on a.id = e.debit and a.class = 'DEBT'
                          where e.kind not in ('COVER', 'UNPAID_DEBT')
                          union all
                          select e.credit, e.kind from entry e join account a on a.id = e.credit and a.class = 'DEBT'
                          where e.kind not in ('RECOVERY', 'WRITE_OFF')) as e
                    group by account) as k on k.account = a.id
where coalesce(a.debit_cents, 0) <> coalesce(d.initial, 0)
   or coalesce(a.credit_cents, 0) <> coalesce(d.initial - d.remaining, 0)
   or k.strange is not null
order by place
