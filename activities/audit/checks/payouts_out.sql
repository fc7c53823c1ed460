-- TR.OUT.<refExterne> holds a payout from its posting until the bank's debit, or
-- until the bank refused it, and nothing else ever. One that came back in a lot
-- before its debit was seen waits for that debit.
select coalesce(a.code, 'TR.OUT.' || p.ref_externe) as place,
       coalesce(a.balance, 0) * 0.01 || '' as found,
       coalesce(p.amount, 0) * 0.01 || case when p.state is null then ': there is no such payout' else ': the payout is ' || p.state end as expected
from (select code, credit_cents - debit_cents as balance from account where class = 'TR.OUT') as a
         full join (select ref_externe, state,
                           case when state in ('PREPARED', 'SENT', 'UNKNOWN')
                                  or state = 'REJECTED' and reject_line is not null and debit_line is null then amount_cents
                                else 0 end as amount
                    from payout
                    where batch is not null) as p on a.code = 'TR.OUT.' || p.ref_externe
where coalesce(a.balance, 0) <> coalesce(p.amount, 0)
order by place
