-- A settled file's lines without a CP are listed one by one with what stands on
-- TR.PARK for them or, for unpaids, on their merchant's DEBT account.
select 'settlement ' || s.reference || ', line ' || d.line as place,
       case when d.posted is null then 'listed, but not on ' || d.account else d.posted * 0.01 || ' on ' || d.account end as found,
       case when d.listed is null then 'a line in the list' else d.listed * 0.01 || ' by the list' end as expected
from (select * from settlement where settled_at is not null) as s
         cross join lateral (
             select coalesce(e.line, p.line) as line, coalesce(e.account, p.account) as account, e.posted, p.listed
             from (select e.line, case e.kind when 'UNPAID_DEBT' then 'DEBT' else 'TR.PARK' end as account,
                          sum(case e.kind when 'PARK' then e.amount_cents else -e.amount_cents end) as posted
                   from batch b join entry e on e.batch = b.id
                   where b.scope = s.scope and e.kind in ('PARK', 'PARK_REFUND', 'UNPAID_DEBT')
                   group by 1, 2) as e
                      full join (select line, case reason when 'TO_DEBT' then 'DEBT' else 'TR.PARK' end as account, gross_cents as listed
                                 from parked_line where settlement = s.number) as p on p.line = e.line and p.account = e.account
             where e.posted is distinct from p.listed) as d
order by s.reference, d.line
