-- Each line of a settled file has its creId in the register, and the counters agree.
select 'settlement ' || s.reference as place,
       coalesce(c.lines, 0) || ' creIds, ' || s.posted_lines || ' lines counted as posted, bank line of ' || s.amount_cents * 0.01 as found,
       s.line_count || ' of each, and a gross of ' || s.gross_cents * 0.01 as expected
from settlement s
         left join (select settlement, count(*) as lines from cre_line group by settlement) as c on c.settlement = s.number
where s.settled_at is not null and s.kind in ('TRANSACTION', 'IMPAYE')
  and (coalesce(c.lines, 0) <> s.line_count or s.posted_lines <> s.line_count or s.amount_cents <> s.gross_cents)
order by s.reference
