-- Each transfer ordered has left its account in the journal and was told by one event of its run.
select 'order ' || o.ref_externe as place,
       coalesce(j.amount, 0) * 0.01 || ' left its account, ' || coalesce(t.events, 0) || ' create-transfer events' as found,
       o.amount_cents * 0.01 || ' and one event' as expected
from transfer_order o
         join batch b on b.id = o.batch
         left join lateral (select sum(e.amount_cents) as amount
                            from entry e join account a on a.id = e.debit
                            where e.batch = o.batch and e.kind = 'TRANSFER_OUT' and e.credit = o.debtor
                              and a.code = 'TR.INT.' || o.ref_externe) as j on true
         left join (select x.number, count(*) as events
                    from (select o.number, o.ref_externe, b.vacation from transfer_order o join batch b on b.id = o.batch) as x
                             join (select vacation, params from event where type = 'create-transfer') as e
                                  on e.vacation = x.vacation and strpos(e.params, '"refExterne":"' || x.ref_externe || '"') > 0
                    group by x.number) as t on t.number = o.number
where coalesce(j.amount, 0) <> o.amount_cents
   or coalesce(t.events, 0) <> 1
order by o.number
