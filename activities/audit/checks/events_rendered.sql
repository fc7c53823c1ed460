-- Each rendered event has its entry, of its own correlation, which touches one CP; no entry is rendered twice.
select 'correlation ' || v.correlation_id || ', event ' || b.first_seq as place,
       coalesce(r.entries, 0) || ' entries of batch ' || coalesce(b.batch || '', 'none') || ' that move one CP'
           || case when b.repeated > 1 then ', told by ' || b.repeated || ' blocks' else '' end
           || case when t.vacation is distinct from b.vacation then ', of another run' else '' end as found,
       b.rendered || ', told once' as expected
from (select *, count(*) over (partition by batch) as repeated from event_block where rendered > 0) as b
         join vacation v on v.number = b.vacation
         left join batch t on t.id = b.batch
         left join (select b.vacation, b.first_seq, count(*) as entries
                    from event_block b
                             join entry e on e.batch = b.batch and e.ordinal < b.rendered
                             join account d on d.id = e.debit
                             join account c on c.id = e.credit
                    where (d.class = 'CP') <> (c.class = 'CP')
                    group by b.vacation, b.first_seq) as r on r.vacation = b.vacation and r.first_seq = b.first_seq
where coalesce(r.entries, 0) <> b.rendered
   or b.repeated > 1
   or t.vacation is distinct from b.vacation
order by v.number, b.first_seq
