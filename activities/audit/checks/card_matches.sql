-- Who is marked as matched is, and nobody else; what an operator matched stands in their journal.
select d.place, d.found, d.expected
from (select 'payment ' || p.number as place, case when p.matched then 'marked as matched' else 'marked as without a line' end as found,
             case when m.payment is null then 'no match of it' else 'its match' end as expected
      from payment p left join payment_match m on m.payment = p.number
      where p.matched <> (m.payment is not null)
      union all
      select 'card line ' || l.line || ' of settlement ' || l.settlement, case when l.matched then 'marked as matched' else 'marked as without a payment' end,
             case when m.payment is null then 'no match of it' else 'its match' end
      from payment_line l left join payment_match m on m.settlement = l.settlement and m.line = l.line
      where l.matched <> (m.payment is not null)
      union all
      select 'payment ' || m.payment, 'matched by ' || m.actor, 'an act match-payment'
      from payment_match m join settlement s on s.number = m.settlement
      where m.rule = 'operator' and not exists (select from operator_act o
            where o.act = 'match-payment' and o.actor = m.actor and o.subject = 'payment ' || m.payment || ', line ' || m.line || ' of ' || s.reference)) as d
order by d.place
