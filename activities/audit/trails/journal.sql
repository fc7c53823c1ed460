-- Entries of the payouts, own transfers, Payline movements and the assigned line of a trail.
select e.kind, 'batch ' || e.batch || ', entry ' || e.ordinal as id, b.posted_at as at, e.amount_cents as amount, '' as state,
       coalesce(v.kind || '/' || v.key, b.scope) as vacation, coalesce(v.correlation_id || '', '') as correlation,
       'Dr ' || d.code || ' / Cr ' || c.code as detail
from (select e.*
      from payout p join account a on a.code = 'TR.OUT.' || p.ref_externe join entry e on e.batch = p.batch and e.credit = a.id
      where p.ref_externe = any (@ref::text[])
      union
      select e.*
      from payout p
               join account a on a.code = 'TR.OUT.' || p.ref_externe
               join bulk k on k.number = p.bulk
               join settlement s on s.reference = k.name
               join batch b on b.scope = s.scope
               join entry e on e.batch = b.id and e.debit = a.id
      where p.ref_externe = any (@ref::text[])
      union
      select e.*
      from payout p
               join bank_reject r on r.payout = p.number
               join settlement s on s.number = r.settlement
               join batch b on b.scope = s.scope
               join entry e on e.batch = b.id and e.line = r.line and e.kind = 'RETURNED'
      where p.ref_externe = any (@ref::text[])
      union
      select e.*
      from payout p
               join account a on a.code = 'TR.OUT.' || p.ref_externe
               join batch b on b.step = 'not-sent'
               join entry e on e.batch = b.id and e.debit = a.id
      where p.ref_externe = any (@ref::text[]) and p.state = 'REJECTED' and p.reject_line is null
      union
      select e.*
      from transfer_order o join entry e on e.batch = o.batch
      where o.number = any (@order::text[]::int[]) and e.kind in ('TRANSFER_OUT', 'EARNING')
      union
      select e.*
      from transfer_order o
               join account a on a.code = 'TR.INT.' || o.ref_externe
               join bank_line l on l.id = o.credit_line
               join entry e on e.batch = l.batch and e.credit = a.id
      where o.number = any (@order::text[]::int[])
      union
      select e.*
      from transfer_order o
               join account a on a.code = 'TR.INT.' || o.ref_externe
               join batch b on b.step = 'take-back'
               join entry e on e.batch = b.id and e.credit = a.id
      where o.number = any (@order::text[]::int[]) and o.state = 'REJECTED'
      union
      select e.*
      from unnest(@request::text[]) as request
               join payline_line l on l.file = split_part(request, ':', 1)::int and l.line = split_part(request, ':', 2)::int and l.kind = 'MOVEMENT'
               join payline_file f on f.number = l.file
               join batch b on b.scope = f.scope
               join entry e on e.batch = b.id and e.line = l.line and e.kind = 'CP_TO_CP'
      union
      select e.*
      from parked_line l join entry e on e.batch = l.assigned_batch
      where l.settlement = any (@settlement::text[]::int[]) and l.line = @card_line::int) as e
         join batch b on b.id = e.batch
         left join vacation v on v.number = b.vacation
         join account d on d.id = e.debit
         join account c on c.id = e.credit
order by e.batch, e.ordinal
