-- A run's first event is its start; its last one, once it is over, its end; there is no other of either.
select place, coalesce(found, 'neither') as found, expected
from (select v.number,
             'correlation ' || v.correlation_id as place,
             string_agg(e.type || ' at ' || e.seq, ', ' order by e.seq) as found,
             'start-' || v.kind || ' at 1'
                 || case v.state
                        when 'ENDED' then ', end-' || v.kind || ' at ' || v.last_seq
                        when 'ENDED_WITH_ERROR' then ', end-with-error-' || v.kind || ' at ' || v.last_seq
                        else '' end as expected
      from vacation v
               left join event e on e.vacation = v.number and (e.type like 'start-%' or e.type like 'end-%')
      group by v.number) as ends
where found is distinct from expected
order by number
