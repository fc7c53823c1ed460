-- Each movement of a CP is told by one create-account-transaction event of the
-- run that made it, one from a CP to another by two.
select coalesce('correlation ' || v.correlation_id, 'no run') as place,
       coalesce(t.events, 0) || ' create-account-transaction events' as found,
       coalesce(m.movements, 0) || ', one a movement of a CP' as expected
from (select b.vacation, sum((d.class = 'CP')::int + (c.class = 'CP')::int) as movements
      from entry e
               join account d on d.id = e.debit
               join account c on c.id = e.credit
               join batch b on b.id = e.batch
      group by b.vacation) as m
         full join (select vacation, sum(events) as events
                    from (select vacation, sum(rendered) as events from event_block group by vacation
                          union all
                          select vacation, count(*) from event where type = 'create-account-transaction' group by vacation) as told
                    group by vacation) as t on t.vacation = m.vacation
         left join vacation v on v.number = coalesce(m.vacation, t.vacation)
where coalesce(m.movements, 0) <> coalesce(t.events, 0)
order by v.number
