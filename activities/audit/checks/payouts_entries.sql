-- A payout's entries are those of its state: left its CP in the batch that it
-- names, debited by the bank once a bank line is noted, back on the CP once it
-- was rejected, each once and for its amount.
select 'payout ' || p.ref_externe as place,
       p.state || ' with ' || p.posted || ' PAYOUT, ' || p.remitted || ' REMITTED, ' || p.returned || ' RETURNED, ' || p.not_sent || ' NOT_SENT'
           || case when p.wrong then ', of another amount, CP or batch' else '' end as found,
       p.posts || ' PAYOUT, ' || p.remits || ' REMITTED, ' || p.returns || ' RETURNED, ' || p.refusals || ' NOT_SENT' as expected
from (select p.number, p.ref_externe, p.state,
             coalesce(o.posted, 0) as posted, coalesce(o.remitted, 0) as remitted, coalesce(b.returned, 0) as returned,
             coalesce(o.not_sent, 0) as not_sent,
             coalesce(o.wrong, false) or coalesce(b.wrong, false) as wrong,
             (p.batch is not null)::int as posts,
             (p.debit_line is not null)::int as remits,
             (p.state = 'REJECTED' and p.reject_line is not null)::int as returns,
             (p.state = 'REJECTED' and p.reject_line is null)::int as refusals,
             p.state = 'EXECUTED' and p.debit_line is null as unpaid
      from payout p
               left join (select p.number,
                                 count(*) filter (where e.kind = 'PAYOUT' and e.credit = a.id) as posted,
                                 count(*) filter (where e.kind = 'REMITTED' and e.debit = a.id) as remitted,
                                 count(*) filter (where e.kind = 'NOT_SENT' and e.debit = a.id) as not_sent,
                                 bool_or(e.amount_cents <> p.amount_cents
                                     or e.kind = 'PAYOUT' and (e.debit <> p.account or e.batch is distinct from p.batch)
                                     or e.kind = 'NOT_SENT' and e.credit <> p.account) as wrong
                          from (select * from entry where kind in ('PAYOUT', 'REMITTED', 'NOT_SENT')) as e
                                   join account a on a.id = case e.kind when 'PAYOUT' then e.credit else e.debit end and a.class = 'TR.OUT'
                                   join payout p on a.code = 'TR.OUT.' || p.ref_externe
                          group by p.number) as o on o.number = p.number
               left join (select r.payout, count(*) as returned,
                                 bool_or(e.amount_cents <> p.amount_cents or e.credit <> p.account) as wrong
                          from (select * from entry where kind = 'RETURNED') as e
                                   join batch b on b.id = e.batch
                                   join settlement s on s.scope = b.scope
                                   join bank_reject r on r.settlement = s.number and r.line = e.line
                                   join payout p on p.number = r.payout
                          group by r.payout) as b on b.payout = p.number) as p
where p.wrong or p.unpaid
   or (p.posted, p.remitted, p.returned, p.not_sent) <> (p.posts, p.remits, p.returns, p.refusals)
order by p.number
