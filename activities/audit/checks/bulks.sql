-- A bulk's orders are as many, and come to as much, as it says, and their states
-- fit its own. Of one that the bank refused, some may wait to be given back; of
-- one whose debit is being settled, some may wait for their part.
select 'bulk ' || b.name as place,
       b.state || ' with ' || coalesce(o.orders, 0) || ' orders of ' || coalesce(o.amount, 0) * 0.01
           || coalesce(', among them ' || o.states, '') as found,
       b.orders || ' of ' || b.amount_cents * 0.01 || ', none that contradicts ' || b.state as expected
from bulk b
         left join (select o.bulk, count(*) as orders, sum(o.amount_cents) as amount,
                           string_agg(distinct o.state, ', ' order by o.state) as states,
                           bool_or(o.own = (b.purpose = 'PAYOUT')) as strange,
                           bool_or(case b.state
                                       when 'PREPARED' then o.state in ('UNKNOWN', 'EXECUTED')
                                       when 'UNKNOWN' then o.state in ('PREPARED', 'EXECUTED')
                                       when 'SENT' then o.state in ('PREPARED', 'UNKNOWN') and s.number is null
                                       when 'EXECUTED' then o.state not in ('EXECUTED', 'REJECTED')
                                       else o.state in ('SENT', 'EXECUTED') end) as contradicts
                    from (select bulk, amount_cents, state, false as own from payout where bulk is not null
                          union all
                          select bulk, amount_cents, state, true from transfer_order where bulk is not null) as o
                             join bulk b on b.number = o.bulk
                             left join settlement s on s.reference = b.name and s.kind = 'REMITTANCE'
                    group by o.bulk) as o on o.bulk = b.number
where (coalesce(o.orders, 0), coalesce(o.amount, 0)) <> (b.orders, b.amount_cents)
   or o.strange or o.contradicts
order by b.number
