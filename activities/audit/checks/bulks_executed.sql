-- The bank executes a bulk of payouts once: one line debits all of its orders,
-- for what they come to but for those that never left.
select 'bulk ' || b.name as place,
       o.lines || ' bank lines debit its orders' || coalesce(', ' || o.line, '') || ', ' || coalesce(o.left_over, 0) || ' of them not debited, '
           || 'for ' || coalesce(o.amount, 0) * 0.01 as found,
       b.state || case when b.state = 'EXECUTED' or s.settled_at is not null
                       then ' by one line of ' || coalesce(-s.amount_cents * 0.01 || ', ' || s.bank_line_id, 'a remittance that was settled')
                       else ' by one line at most' end as expected
from bulk b
         join (select bulk, count(distinct debit_line) as lines, min(debit_line) as line,
                      count(*) filter (where debit_line is null and (state <> 'REJECTED' or reject_line is not null)) as left_over,
                      sum(amount_cents) filter (where debit_line is not null) as amount
               from payout
               where bulk is not null
               group by bulk) as o on o.bulk = b.number
         left join settlement s on s.reference = b.name and s.kind = 'REMITTANCE'
where b.purpose = 'PAYOUT'
  and (o.lines > 1
    or b.state = 'EXECUTED' and (o.lines <> 1 or o.left_over > 0 or s.number is null or o.amount <> -s.amount_cents or s.bank_line_id <> o.line)
    or s.settled_at is not null and b.state <> 'EXECUTED')
order by b.number
