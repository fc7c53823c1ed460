select 'PAYOUT' as kind, p.ref_externe as id, p.requested_at as at, p.amount_cents as amount, trim(p.state || ' ' || p.reason) as state,
       p.scope as vacation, coalesce(v.correlation_id || '', '') as correlation,
       p.source || ' ' || p.end_to_end_id || ', from ' || p.account_id || ' to ' || p.creditor_iban || ', due ' || p.due_date
           || coalesce(', bulk ' || b.name, '') || coalesce(', debited by ' || p.debit_line, '') || coalesce(', came back by ' || p.reject_line, '')
           || case when p.validator in ('', 'AUTO') then '' else ', decided by ' || p.validator end as detail
from payout p
         left join bulk b on b.number = p.bulk
         left join batch t on t.id = p.batch
         left join vacation v on v.number = t.vacation
where p.number = any (@payout::text[]::bigint[])
   or p.account_id = any (@cp::text[])
   or p.bulk = any (@whole::text[]::int[])
   or p.scope = any (@scope::text[])
   or p.payline_file = any (@file::text[]::int[])
order by p.number desc
