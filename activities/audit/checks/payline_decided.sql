-- An accepted Payline file has the lines that it counts, each of them decided once its session has ended.
select 'Payline file ' || f.sequence as place,
       coalesce(l.movements, 0) || ' movements, ' || coalesce(l.transfers, 0) || ' transfers, ' || coalesce(l.open, 0) || ' not decided'
           || coalesce(', the first on line ' || l.first, '') as found,
       f.movements || ', ' || f.transfers || case when v.number is null then '' else ', none: its session has ended' end as expected
from payline_file f
         left join vacation v on v.kind || '/' || v.key = f.scope and v.state = 'ENDED'
         left join (select file, count(*) filter (where kind = 'MOVEMENT') as movements, count(*) filter (where kind = 'TRANSFER') as transfers,
                           count(*) filter (where outcome is null) as open, min(line) filter (where outcome is null) as first
                    from payline_line
                    group by file) as l on l.file = f.number
where f.refused = ''
  and ((coalesce(l.movements, 0), coalesce(l.transfers, 0)) <> (f.movements, f.transfers)
    or v.number is not null and l.open > 0)
order by f.number
