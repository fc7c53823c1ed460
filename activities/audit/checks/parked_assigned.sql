-- A parked line that an operator assigned has moved from TR.PARK to the CP that
-- the list names, in the batch that it names.
select 'settlement ' || s.reference || ', line ' || p.line as place,
       coalesce(j.amount, 0) * 0.01 || ' moved to CP.' || p.assigned_to as found,
       p.gross_cents * 0.01 || ' by the list' as expected
from parked_line p
         join settlement s on s.number = p.settlement
         left join lateral (select sum(case e.kind when 'ASSIGNED' then e.amount_cents else -e.amount_cents end) as amount
                            from entry e
                                     join account d on d.id = e.debit
                                     join account c on c.id = e.credit
                            where e.batch = p.assigned_batch
                              and (e.kind = 'ASSIGNED' and c.code = 'CP.' || p.assigned_to and d.class = 'TR.PARK'
                                or e.kind = 'ASSIGNED_REFUND' and d.code = 'CP.' || p.assigned_to and c.class = 'TR.PARK')) as j on true
where p.assigned_to is not null
  and (coalesce(j.amount, 0) <> p.gross_cents or p.reason = 'TO_DEBT')
order by s.reference, p.line
