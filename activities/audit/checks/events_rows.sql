-- Each event that is not rendered from an entry has its row, and no row is left over.
select 'correlation ' || v.correlation_id || ', event ' || d.seq as place, d.found, d.expected
from (select b.vacation, b.first_seq + b.rendered as seq,
             count(e.seq) || ' rows up to event ' || b.last_seq as found,
             b.last_seq - b.first_seq - b.rendered + 1 || '' as expected
      from event_block b
               left join event e on e.vacation = b.vacation and e.seq between b.first_seq + b.rendered and b.last_seq
      group by b.vacation, b.first_seq
      having count(e.seq) <> b.last_seq - b.first_seq - b.rendered + 1
      union all
      select e.vacation, e.seq, 'a row of type ' || e.type, 'none: no block has room for it'
      from event e
      where not exists (select
                        from event_block b
                        where b.vacation = e.vacation
                          and b.first_seq = (select max(c.first_seq) from event_block c where c.vacation = e.vacation and c.first_seq <= e.seq)
                          and e.seq between b.first_seq + b.rendered and b.last_seq)) as d
         join vacation v on v.number = d.vacation
order by v.number, d.seq
