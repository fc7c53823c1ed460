-- Each line of a settled file is in the journal once. Its sums are the file's:
-- gross by line; commissions taken, or listed with a line that has no CP: they
-- wait until it is assigned, or are not taken from an unpaid that became a debt.
select 'settlement ' || s.reference as place,
       j.entries || ' entries of ' || j.lines || ' lines, gross ' || j.gross * 0.01 || ', commissions ' || j.commissions * 0.01
           || case when j.lines = s.line_count then '' else '; missing: line ' || missing.lines end
           || case when j.entries = j.lines then '' else '; more than once: line ' || repeated.lines end as found,
       s.line_count || ' lines once, gross ' || s.gross_cents * 0.01 || ', commissions ' || s.commission_cents * 0.01 as expected
from (select * from settlement where settled_at is not null and kind in ('TRANSACTION', 'IMPAYE')) as s
         cross join lateral (
             select count(e.line) as entries,
                    count(distinct e.line) as lines,
                    coalesce(min(e.line), 0) as low,
                    coalesce(max(e.line), 0) as high,
                    coalesce(sum(case when e.kind in ('SALE', 'REPRESENTED', 'PARK') then e.amount_cents
                                      when e.kind in ('REFUND', 'UNPAID', 'UNPAID_DEBT', 'PARK_REFUND') then -e.amount_cents end), 0) as gross,
                    coalesce(sum(e.amount_cents) filter (where e.kind = 'COMMISSION'), 0)
                        + (select coalesce(sum(p.commission_cents), 0) from parked_line p where p.settlement = s.number) as commissions
             from batch b join entry e on e.batch = b.id
             where b.scope = s.scope) as j
         left join lateral (
             select string_agg(line || '', ', ' order by line) as lines
             from (select line from generate_series(1, s.line_count) as line
                   except
                   select e.line from batch b join entry e on e.batch = b.id where b.scope = s.scope
                   order by line limit 5) as few) as missing on j.lines <> s.line_count
         left join lateral (
             select string_agg(line || '', ', ' order by line) as lines
             from (select e.line from batch b join entry e on e.batch = b.id where b.scope = s.scope and e.line is not null
                   group by e.line having count(*) > 1 order by e.line limit 5) as few) as repeated on j.entries <> j.lines
where j.entries <> s.line_count
   or j.lines <> s.line_count
   or j.low <> least(1, s.line_count)
   or j.high <> s.line_count
   or j.gross <> s.gross_cents
   or j.commissions <> s.commission_cents
   or s.line_count is null
order by s.reference
