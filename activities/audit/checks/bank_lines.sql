-- A line that is booked has its entry: in the batch that it names, on its
-- account, for its amount, and each entry is one line's.
select 'bank line ' || l.first || case when l.lines > 1 then ' and ' || l.lines - 1 || ' more' else '' end as place,
       coalesce(e.entries, 0) || ' entries of ' || l.amount_cents * 0.01 || ' on ' || l.account || ' in batch ' || l.batch as found,
       l.lines || ' or more' as expected
from (select batch, account, amount_cents, count(*) as lines, min(id) as first
      from bank_line
      where batch is not null
      group by batch, account, amount_cents) as l
         left join lateral (select count(*) as entries
                            from entry e
                                     join account a on a.code = l.account
                            where e.batch = l.batch
                              and e.amount_cents = abs(l.amount_cents)
                              and a.id = case when l.amount_cents > 0 then e.debit else e.credit end) as e on true
where coalesce(e.entries, 0) < l.lines
order by l.first
