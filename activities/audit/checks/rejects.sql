-- A settled lot's rejects come to its amount, and each is of a payout that is
-- REJECTED with the lot's bank line, its code and its amount.
select 'lot ' || s.reference || coalesce(', line ' || r.line, '') as place, r.found, r.expected
from settlement s
         cross join lateral (
             select null::int as line, sum(r.amount_cents) * 0.01 || ' by its detail' as found, s.amount_cents * 0.01 || '' as expected
             from bank_reject r
             where r.settlement = s.number
             having coalesce(sum(r.amount_cents), 0) <> s.amount_cents
             union all
             select r.line, coalesce('payout ' || p.state || ' of ' || p.amount_cents * 0.01 || ' by line ' || coalesce(p.reject_line, 'none'), 'no payout'),
                    'REJECTED, ' || r.amount_cents * 0.01 || ' by line ' || s.bank_line_id
             from bank_reject r left join payout p on p.number = r.payout
             where r.settlement = s.number
               and (p.number is null or p.state <> 'REJECTED' or p.reject_line is distinct from s.bank_line_id
                 or p.amount_cents <> r.amount_cents or p.reason <> r.code)) as r
where s.kind = 'REJECTS' and s.settled_at is not null
order by s.reference, r.line
