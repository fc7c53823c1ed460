-- Merchants' debts, each with what opened, increased and lowered it.
select m.kind, m.id, m.at, m.amount, m.state, m.vacation, m.correlation, m.detail
from (select 'DEBT' as kind, 'debt ' || d.number as id, d.created_at as at, d.initial_cents as amount,
             case when d.remaining_cents = 0 then 'CLOSED' else 'OPEN' end as state, '' as vacation, '' as correlation,
             'DEBT.' || d.siret || ', ' || d.remaining_cents * 0.01 || ' remain' as detail, d.siret, 0 as rank, d.number::bigint as batch, 0 as ordinal
      from debt d
      where d.siret = any (@siret::text[])
      union all
      select case when e.kind in ('RECOVERY', 'WRITE_OFF') then e.kind
                  when e.stood = 0 then 'OPENING' else 'INCREASE' end,
             'batch ' || e.batch || ', entry ' || e.ordinal, e.posted_at, e.amount_cents, '',
             coalesce(v.kind || '/' || v.key, e.scope), coalesce(v.correlation_id || '', ''),
             e.code || case when e.signed > 0 then ', ' || e.kind || ' of ' else ', from ' end
                 || case when e.signed > 0 then c.code else d.code end || ', ' || (e.stood + e.signed) * 0.01 || ' remain',
             substr(e.code, length('DEBT.') + 1), 1, e.batch, e.ordinal
      from (select e.*, b.posted_at, b.scope, b.vacation, a.code, s.signed,
                   sum(s.signed) over (partition by a.id order by e.batch, e.ordinal) - s.signed as stood
            from entry e
                     join account a on a.id = any (array [e.debit, e.credit]) and a.class = 'DEBT'
                     join batch b on b.id = e.batch
                     cross join lateral (select case when e.debit = a.id then e.amount_cents else -e.amount_cents end as signed) as s
            where e.debit = any (array(select id from account where code = any (select 'DEBT.' || unnest(@siret::text[]))))
               or e.credit = any (array(select id from account where code = any (select 'DEBT.' || unnest(@siret::text[]))))) as e
               left join vacation v on v.number = e.vacation
               join account d on d.id = e.debit
               join account c on c.id = e.credit) as m
order by m.siret, m.rank, m.batch, m.ordinal
