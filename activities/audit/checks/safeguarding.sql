-- The statement of each day's close is what its figures and those of the close
-- before make of it, and the last close shows clients' money there and, of what
-- was owed the business day before, on cantonnement.
select 'safeguarding of ' || s.date as place, d.found, d.expected
from (select *, payment_accounts_cents + parked_cents + payouts_cents + rejects_cents as owed,
             reglement_cents + cantonnement_cents + transit_cents + to_clear_cents + covers_cents as held,
             cantonnement_cents + to_cantonnement_cents as on_cantonnement,
             lead(date) over w is null as last,
             -- A close that was stated again after the next one no longer says what the next one was made of.
             case when lag(date) over w is null then 0
                  when lag(stated_at) over w > stated_at then cantonnement_due_cents
                  else greatest(0, least(lag(payment_accounts_cents + parked_cents + payouts_cents + rejects_cents) over w - left_today_cents,
                                         payment_accounts_cents + parked_cents + payouts_cents + rejects_cents)) end as due
      from safeguarding
      window w as (order by date)) as s
         cross join lateral (
             values (s.cantonnement_due_cents <> s.due, s.cantonnement_due_cents * 0.01 || ' due on cantonnement', s.due * 0.01 || ' by the close before'),
                    (s.last and s.held < s.owed, s.held * 0.01 || ' held', s.owed * 0.01 || ' owed, or more'),
                    (s.last and s.on_cantonnement < s.cantonnement_due_cents, s.on_cantonnement * 0.01 || ' on cantonnement',
                     s.cantonnement_due_cents * 0.01 || ' due there, or more')) as d (broken, found, expected)
where d.broken
order by s.date
