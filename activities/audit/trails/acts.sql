select o.act as kind, o.subject as id, o.acted_at as at, null::bigint as amount, o.actor as state, coalesce(v.kind || '/' || v.key, '') as vacation,
       coalesce(v.correlation_id || '', '') as correlation,
       o.before || ' → ' || o.after || case when o.reason = '' then '' else ': ' || o.reason end as detail
from operator_act o left join vacation v on v.number = o.vacation
where o.vacation = any (@run::text[]::int[])
   or o.subject = any (@subject::text[])
   or o.act in ('delivered', 'resend') and o.vacation in (select vacation from bulk where number = any (@bulk::text[]::int[]))
   or o.subject in (select 'debt ' || number from debt where siret = any (@siret::text[]))
   or o.subject like any (array(select 'payment ' || number || ', line %' from unnest(@payment::text[]) as number))
   or o.subject in (select 'payouts of ledger account ' || account from merchant where account_id = any (@cp::text[]))
   or o.subject in (select 'parked line ' || p.line || ' of ' || s.reference
                    from parked_line p join settlement s on s.number = p.settlement
                    where s.number = any (@settlement::text[]::int[]) and not @narrow::bool
                       or p.assigned_to = any (@cp::text[]))
order by o.number
