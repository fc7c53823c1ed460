select 'REJECT' as kind, r.end_to_end_id as id, coalesce(p.settled_at, s.settled_at) as at, r.amount_cents as amount, r.code as state,
       s.scope as vacation, '' as correlation,
       'lot ' || s.reference || ', line ' || r.line || coalesce(', payout ' || p.ref_externe || ' is ' || p.state, ', of no payout') as detail
from bank_reject r
         join settlement s on s.number = r.settlement
         left join payout p on p.number = r.payout
where r.settlement = any (@settlement::text[]::int[])
  and (not @narrow::bool or p.ref_externe = any (@ref::text[]))
   or p.ref_externe = any (@ref::text[])
order by r.settlement, r.line
