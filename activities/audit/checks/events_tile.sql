-- Blocks follow each other from 1 to the correlation's last event, without a gap or an overlap.
select place, found, expected
from (select 'correlation ' || v.correlation_id || ', event ' || b.first_seq as place,
             'a block from ' || b.first_seq || ' to ' || b.last_seq as found,
             'one from ' || b.before + 1 as expected, v.number, b.first_seq
      from (select vacation, first_seq, last_seq,
                   lag(last_seq, 1, 0::bigint) over (partition by vacation order by first_seq) as before
            from event_block) as b
               join vacation v on v.number = b.vacation
      where b.first_seq <> b.before + 1
      union all
      select 'correlation ' || v.correlation_id || ', event ' || v.last_seq,
             'the last block ends at ' || coalesce(b.last_seq, 0), 'the last event is ' || v.last_seq, v.number, v.last_seq
      from vacation v
               left join (select vacation, max(last_seq) as last_seq from event_block group by vacation) as b on b.vacation = v.number
      where v.last_seq <> coalesce(b.last_seq, 0)) as breach
order by number, first_seq
