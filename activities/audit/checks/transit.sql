-- TR.INT.<refExterne> holds an own transfer from its order until its credit is
-- seen, or until the bank refused it.
select coalesce(a.code, 'TR.INT.' || o.ref_externe) as place,
       coalesce(a.balance, 0) * 0.01 || case when o.state = 'EXECUTED' and o.credit_line is null then ', and no bank line that credits it' else '' end as found,
       coalesce(o.amount, 0) * 0.01 || case when o.state is null then ': there is no such order' else ': the order is ' || o.state end as expected
from (select code, debit_cents - credit_cents as balance from account where class = 'TR.INT') as a
         full join (select ref_externe, state, credit_line,
                           case when state in ('EXECUTED', 'REJECTED') then 0 else amount_cents end as amount
                    from transfer_order) as o on a.code = 'TR.INT.' || o.ref_externe
where coalesce(a.balance, 0) <> coalesce(o.amount, 0)
   or o.state = 'EXECUTED' and o.credit_line is null
   or o.state <> 'EXECUTED' and o.credit_line is not null
order by place
