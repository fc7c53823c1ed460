select l.kind, l.end_to_end_id as id, coalesce(l.decided_at, f.received_at) as at, l.amount_cents as amount,
       trim(coalesce(l.outcome, 'OPEN') || ' ' || l.reject_code) as state, f.scope as vacation, '' as correlation,
       'line ' || l.line || ' of ' || f.file_name || ', from ' || l.debtor_cp || ' to ' || case when l.kind = 'MOVEMENT' then l.creditor_cp else l.creditor_iban end as detail
from payline_line l join payline_file f on f.number = l.file
where l.file = any (@file::text[]::int[])
   or (l.file, l.line) in (select split_part(request, ':', 1)::int, split_part(request, ':', 2)::int from unnest(@request::text[]) as request)
order by l.file, l.line
