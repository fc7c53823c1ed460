-- A settled file's parked lines are listed one by one with what stands on TR.PARK.
select 'settlement ' || s.reference || ', line ' || d.line as place,
       case when d.posted is null then 'listed, but not on TR.PARK' else d.posted * 0.01 || ' on TR.PARK' end as found,
       case when d.listed is null then 'a line in the list' else d.listed * 0.01 || ' by the list' end as expected
from (select * from settlement where settled_at is not null) as s
         cross join lateral (
             select coalesce(e.line, p.line) as line, e.posted, p.listed
             from (select e.line, sum(case when e.kind = 'PARK' then e.amount_cents else -e.amount_cents end) as posted
                   from batch b join entry e on e.batch = b.id
                   where b.scope = s.scope and e.kind in ('PARK', 'PARK_REFUND')
                   group by e.line) as e
                      full join (select line, gross_cents as listed from parked_line where settlement = s.number) as p on p.line = e.line
             where e.posted is distinct from p.listed) as d
order by s.reference, d.line
