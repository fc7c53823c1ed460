-- What was answered to Payline is what was done: an accepted movement is in the
-- journal once for its amount, an accepted transfer has its payout, and of what
-- was rejected nothing left.
select 'Payline file ' || f.sequence || ', line ' || l.line as place,
       l.kind || ' of ' || l.amount_cents * 0.01 || ' ' || l.outcome || ', '
           || case l.kind when 'MOVEMENT' then coalesce(m.entries, 0) || ' entries of ' || coalesce(m.amount, 0) * 0.01
                          else coalesce('payout ' || p.state || ' of ' || p.amount_cents * 0.01, 'no payout') end as found,
       case when l.outcome = 'ACCP' and l.kind = 'MOVEMENT' then 'one entry for its amount'
            when l.outcome = 'ACCP' then 'a payout of its amount that was not refused'
            when l.kind = 'MOVEMENT' then 'no entry'
            else 'no payout, or one that was refused or came back' end as expected
from payline_line l
         join payline_file f on f.number = l.file
         left join payout p on p.payline_file = l.file and p.payline_line = l.line
         left join (select b.scope, e.line, count(*) as entries, sum(e.amount_cents) as amount
                    from (select * from entry where kind = 'CP_TO_CP') as e join batch b on b.id = e.batch
                    group by b.scope, e.line) as m on m.scope = f.scope and m.line = l.line and l.kind = 'MOVEMENT'
where l.outcome is not null
  and case when l.kind = 'MOVEMENT' then (coalesce(m.entries, 0), coalesce(m.amount, 0))
                <> (case l.outcome when 'ACCP' then 1 else 0 end, case l.outcome when 'ACCP' then l.amount_cents else 0 end)
           when l.outcome = 'ACCP' then p.number is null or p.state = 'REFUSED' or p.amount_cents <> l.amount_cents
           else p.number is not null and p.state not in ('REFUSED', 'REJECTED') end
order by l.file, l.line
