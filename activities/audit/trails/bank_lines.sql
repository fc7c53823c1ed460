select l.class as kind, l.id, l.booked_at as at, l.amount_cents as amount, case when l.batch is null then 'OPEN' else 'BOOKED' end as state,
       coalesce(nullif(l.scope, ''), v.kind || '/' || v.key) as vacation, coalesce(w.correlation_id || '', '') as correlation,
       l.account || ', statement ' || s.sequence || ' of ' || s.date || case when l.reference = '' then '' else ', ' || l.reference end
           || case when l.reason = '' then '' else ': ' || l.reason end as detail
from bank_line l
         join statement s on s.number = l.statement
         join vacation v on v.number = s.vacation
         left join batch b on b.id = l.batch
         left join vacation w on w.number = b.vacation
where l.id = any (@line::text[]) or l.statement = any (@statement::text[]::int[])
order by l.statement, l.ordinal
