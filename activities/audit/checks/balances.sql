-- Each account's two sides are the sums of its entries, and each entry's accounts exist.
select coalesce(a.code, 'account ' || m.account) as place,
       case when a.id is null then 'no such account, but entries'
            else 'debit ' || a.debit_cents * 0.01 || ', credit ' || a.credit_cents * 0.01 end as found,
       'debit ' || coalesce(m.debit, 0) * 0.01 || ', credit ' || coalesce(m.credit, 0) * 0.01 || ' by its entries' as expected
from account a
         full join (select account, sum(debit) as debit, sum(credit) as credit
                    from (select debit as account, sum(amount_cents) as debit, 0 as credit from entry group by debit
                          union all
                          select credit, 0, sum(amount_cents) from entry group by credit) as sides
                    group by account) as m on m.account = a.id
where a.id is null
   or a.debit_cents <> coalesce(m.debit, 0)
   or a.credit_cents <> coalesce(m.credit, 0)
order by place
