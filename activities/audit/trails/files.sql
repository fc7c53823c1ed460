select case s.kind when 'REJECTS' then 'REJECTS' else 'CRE' end as kind, s.file_name as id, s.settled_at as at, s.gross_cents as amount,
       case when s.settled_at is null then 'ACCEPTED' else 'SETTLED' end as state, s.scope as vacation, '' as correlation,
       'sha256 ' || encode(s.file_sha256, 'hex') || ', ' || s.line_count || ' lines, settlement ' || s.reference as detail, 1 as rank, s.number
from settlement s
where s.number = any (@settlement::text[]::int[]) and s.file_sha256 is not null
union all
select 'PAYLINE', f.file_name, f.received_at, f.sum_cents, case when f.refused = '' then 'ACCEPTED' else 'REFUSED' end, f.scope, '',
       'sha256 ' || encode(f.sha256, 'hex') || ', sequence ' || f.sequence || ', ' || f.movements + f.transfers || ' requests', 2, f.number
from payline_file f
where f.number = any (@file::text[]::int[])
   or f.number in (select split_part(request, ':', 1)::int from unnest(@request::text[]) as request)
union all
select 'STATEMENT', s.file_name, s.read_at, s.closing_cents, 'READ', v.kind || '/' || v.key, v.correlation_id || '',
       'sha256 ' || encode(s.sha256, 'hex') || ', ' || s.account || ' ' || s.sequence || ' of ' || s.date || ', ' || s.lines || ' lines', 3, s.number
from statement s join vacation v on v.number = s.vacation
where s.number = any (@statement::text[]::int[])
   or s.number in (select statement from bank_line where id = any (@line::text[]))
union all
select 'MERCHANTS', m.file_name, m.loaded_at, null, 'LOADED', '', '',
       'sha256 ' || encode(m.sha256, 'hex') || ', snapshot ' || m.sequence || ', ' || m.merchants || ' payment accounts', 4, m.sequence
from merchant_snapshot m
where m.sequence = any (@snapshot::text[]::int[])
   or m.sequence in (select snapshot from settlement where number = any (@settlement::text[]::int[]))
union all
select 'PAYMENTS', b.name, b.attempted_at, b.amount_cents, b.state, v.kind || '/' || v.key, v.correlation_id || '',
       'sha256 ' || encode(b.file_sha256, 'hex') || ', ' || b.file_format || ', ' || b.file_bytes || ' bytes', 5, b.number
from bulk b join vacation v on v.number = b.vacation
where b.file_sha256 is not null and b.number = any (@bulk::text[]::int[])
union all
select 'REPORT', r.file_name, r.read_at, null, r.status, v.kind || '/' || v.key, v.correlation_id || '',
       'sha256 ' || encode(r.sha256, 'hex') || ', ' || r.format || ' ' || r.message_id || ' on ' || b.name
           || case when r.reason = '' then '' else ', ' || r.reason end
           || (select case count(*) when 0 then '' else ', ' || count(*) || ' refused' end from payout_refusal f where f.report = r.number)
           || case r.unknown when 0 then '' else ', ' || r.unknown || ' unknown' end, 6, r.number
from bank_report r join bulk b on b.number = r.bulk join vacation v on v.number = r.vacation
where r.bulk = any (@bulk::text[]::int[])
order by rank, number
