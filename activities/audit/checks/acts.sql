-- What only an operator can do stands in the operators' journal: lines assigned,
-- bank lines taken for own money, debts written off, holds released, payouts
-- decided by a person.
select place, found, expected
from (select 'settlement ' || s.reference || ', line ' || p.line as place, 'assigned' as found, 'an act assign of parked line ' || p.line || ' of ' || s.reference as expected
      from parked_line p
               join settlement s on s.number = p.settlement
               join batch b on b.id = p.assigned_batch
      where not exists (select from operator_act o
                        where o.act = 'assign' and o.subject = 'parked line ' || p.line || ' of ' || s.reference and o.vacation = b.vacation)
      union all
      select 'bank line ' || l.id, 'own money', 'an act classify of it'
      from bank_line l
      where l.class = 'OWN_FUNDS' and exists (select from entry e where e.batch = l.batch and e.kind = 'OWN_FUNDS')
        and not exists (select from operator_act o where o.act = 'classify' and o.subject = 'bank line ' || l.id)
      union all
      select coalesce(a.code, 'account ' || e.credit), 'a write-off of ' || e.amount_cents * 0.01, 'an act write-off of its debt'
      from (select * from entry where kind = 'WRITE_OFF') as e
               join batch b on b.id = e.batch
               left join account a on a.id = e.credit
      where not exists (select from operator_act o join debt d on o.subject = 'debt ' || d.number
                        where o.act = 'write-off' and o.vacation = b.vacation and a.code = 'DEBT.' || d.siret)
      union all
      select 'hold of ' || h.account_id, 'released ' || h.released_at, 'an act release of it'
      from payout_hold h
               join merchant m on m.account_id = h.account_id
      where h.released_at is not null
        and not exists (select from operator_act o
                        where o.act = 'release' and o.subject = 'payouts of ledger account ' || m.account and o.acted_at = h.released_at)
      union all
      select 'payouts of ' || p.scope, p.payouts || ' ' || p.decided || ' by ' || p.validator, 'an act ' || p.act || ' of that session'
      from (select scope, validator, case state when 'REFUSED' then 'refuse-payouts' else 'approve-payouts' end as act,
                   case state when 'REFUSED' then 'refused' else 'approved' end as decided, count(*) as payouts
            from payout
            where validator not in ('', 'AUTO')
            group by 1, 2, 3, 4) as p
      where not exists (select from operator_act o where o.act = p.act and o.actor = p.validator and o.subject = p.scope)) as d
order by place
