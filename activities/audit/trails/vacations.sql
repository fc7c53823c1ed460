select 'run ' || v.run as kind, v.kind || '/' || v.key as id, v.started_at as at, null::bigint as amount,
       trim(v.state || ' ' || coalesce(v.failure_code, '')) as state, v.kind || '/' || v.key as vacation, v.correlation_id || '' as correlation,
       'business date ' || v.business_date || ', ' || v.last_seq || ' events' || coalesce(', ended ' || to_char(v.ended_at at time zone 'Europe/Paris', 'YYYY-MM-DD HH24:MI:SS'), '') as detail
from vacation v
where v.number = any (@run::text[]::int[])
   or v.correlation_id::text = any (@correlation::text[])
   or v.kind || '/' || v.key = any (@vacation::text[])
order by v.number
