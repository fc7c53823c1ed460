select b.purpose as kind, b.name as id, coalesce(b.attempted_at, b.created_at) as at, b.amount_cents as amount, b.state,
       v.kind || '/' || v.key as vacation, v.correlation_id || '' as correlation,
       b.orders || case b.orders when 1 then ' order' else ' orders' end || ', bulkId ' || b.bulk_id || ', due ' || b.due_date
           || case when b.attempted_at is null then ', not handed over yet' else ', handed over' end
           || case when b.detail = '' then '' else ': ' || b.detail end as detail
from bulk b join vacation v on v.number = b.vacation
where b.number = any (@bulk::text[]::int[])
order by b.number
